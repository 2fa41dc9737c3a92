/** Orders of a visit: laboratory, imaging, a referral to another member. They are recorded when the visit is finished. */
import { useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import { Choice, Field } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import type { Order } from './draft.ts';
import { otherProviders } from './members.ts';

const KINDS = ['laboratory', 'imaging', 'referral'] as const;
const NEW: Order = { kind: 'laboratory', text: '', to: '' };

export function Orders({ of, onChange }: { of: readonly Order[]; onChange(next: readonly Order[]): void }) {
  const { t } = useWords();
  const [next, setNext] = useState<Order>(NEW);
  const providers = useLoaded(otherProviders).data ?? [];
  const add = (): void => {
    if (next.text.trim() === '') return;
    onChange([...of, { ...next, text: next.text.trim() }]);
    setNext(NEW);
  };
  return (
    <>
      <Written
        of={of.map(({ kind, text, to }) => `${t(`order-${kind}`)}: ${text}${to === '' ? '' : ` (${to})`}`)}
        onRemove={(index) => onChange(of.filter((_, at) => at !== index))}
      />
      <Choice
        label={t('orderKind')}
        value={next.kind}
        options={KINDS.map((one) => [one, t(`order-${one}`)] as const)}
        onChoose={(kind) => setNext({ ...next, kind: kind as Order['kind'] })}
      />
      <Field label={t('orderText')} value={next.text} onInput={(text) => setNext({ ...next, text })} />
      {next.kind === 'referral' ? (
        <Choice
          label={t('referTo')}
          value={next.to}
          options={[['', t('anyProvider')], ...providers.map((name) => [name, name] as const)]}
          onChoose={(to) => setNext({ ...next, to })}
        />
      ) : null}
      <p class="actions">
        <button type="button" onClick={add} disabled={next.text.trim() === ''}>
          {t('addOrder')}
        </button>
      </p>
    </>
  );
}

/** What is written and not recorded yet; each can be taken back. */
export function Written({ of, onRemove }: { of: readonly string[]; onRemove(index: number): void }) {
  const { t } = useWords();
  if (of.length === 0) return null;
  return (
    <ul class="lines">
      {of.map((text, index) => (
        <li key={`${text} ${index}`}>
          <span class="what" dir="auto">
            {text}
          </span>
          <button type="button" aria-label={t('removeThis', { what: text })} onClick={() => onRemove(index)}>
            {t('remove')}
          </button>
        </li>
      ))}
    </ul>
  );
}
