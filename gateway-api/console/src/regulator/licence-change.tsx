/** A licence is suspended, excluded or reinstated from a day on; everything else of it stays as it is. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Choice, Field, Form } from '../parts/fields.tsx';
import { LICENCE_STATUSES, type Licence, type LicenceStatus } from './licence.ts';

export function LicenceChange({ licence, onChange }: { licence: Licence; onChange(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [isOpen, setOpen] = useState(false);
  const [status, setStatus] = useState<LicenceStatus>(licence.status);
  const [effective, setEffective] = useState(new Date().toISOString().slice(0, 10));
  const { number, start, end, jurisdictions, practitioners } = licence;
  const send = (): void =>
    doing.run(async (key) => {
      const body = {
        ...{ status, start, end, effective },
        ...(jurisdictions && { jurisdictions }),
        ...(practitioners && { practitioners }),
      };
      const path = `/licences/${encodeURIComponent(number)}`;
      await ask({ method: 'PUT', path, body, headers: { 'Idempotency-Key': key } });
      setOpen(false);
      onChange();
    });
  if (!isOpen)
    return (
      <p class="actions">
        <button type="button" aria-label={t('changeLicence', { number })} onClick={() => setOpen(true)}>
          {t('change')}
        </button>
      </p>
    );
  return (
    <Form onSend={send}>
      <div class="filters">
        <Choice
          label={t('standing')}
          value={status}
          options={LICENCE_STATUSES.map((one) => [one, t(`licence-${one}`)])}
          onChoose={setStatus}
        />
        <Field label={t('fromDayOn')} type="date" value={effective} isNeeded onInput={setEffective} />
      </div>
      <p class="soft">{t('licenceEffect')}</p>
      <p class="actions">
        <button type="submit" class="main" disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'publish')}
        </button>
        <button type="button" onClick={() => setOpen(false)}>
          {t('cancel')}
        </button>
      </p>
      <Done of={doing} again={send} />
    </Form>
  );
}
