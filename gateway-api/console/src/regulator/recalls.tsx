/** Recalls of medicines: published here, and how many each reached, never whom. */
import { useCallback, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Field, Form } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { Wide } from '../parts/wide.tsx';

const GTIN = 'https://www.gs1.org/gtin';
/** Those that are shown at once. */
const PAGE = 25;

interface Recall {
  id: string;
  product: { system: string; code: string };
  lots: string[];
  reason: string;
  status: 'active' | 'ended';
  publishedAt: string;
}

interface Counts {
  dispenses: number;
  patients: number;
  reached: number;
}

interface Followed extends Recall {
  holders: { provider: string; reported?: Counts; counted?: Counts; differs: boolean }[];
}

export function Recalls() {
  const { t } = useWords();
  const [most, setMost] = useState(PAGE);
  const load = useCallback(
    async (signal: AbortSignal) => (await ask<{ recalls: Recall[] }>({ path: '/recalls', signal })).body.recalls,
    [],
  );
  const loaded = useLoaded(load);
  return (
    <>
      <p class="lead">{t('recallsLead')}</p>
      <Publishing onPublished={loaded.again} />
      <h2>{t('recalls')}</h2>
      <WhenLoaded of={loaded}>
        {(all) => (
          <>
            {all.length === 0 ? <Empty>{t('noRecalls')}</Empty> : null}
            <ul class="cards">
              {all.slice(0, most).map((one) => (
                <RecallCard key={one.id} recall={one} onChange={loaded.again} />
              ))}
            </ul>
            {all.length > most ? (
              <p class="actions">
                <button type="button" onClick={() => setMost(most + PAGE)}>
                  {t('more')}
                </button>
              </p>
            ) : null}
          </>
        )}
      </WhenLoaded>
    </>
  );
}

const lotsIn = (text: string): string[] =>
  text
    .split(/[,;\n]/)
    .map((one) => one.trim())
    .filter((one) => one !== '');

function Publishing({ onPublished }: { onPublished(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [code, setCode] = useState('');
  const [lots, setLots] = useState('');
  const [reason, setReason] = useState('');
  const [published, setPublished] = useState<string | undefined>();
  const publish = (): void =>
    doing.run(async (key) => {
      const product = { system: GTIN, code: code.trim() };
      const body = { product, lots: lotsIn(lots), reason: reason.trim(), status: 'active' };
      await ask({ method: 'PUT', path: `/recalls/${key}`, body, headers: { 'Idempotency-Key': key } });
      setPublished(code.trim());
      for (const empty of [setCode, setLots, setReason]) empty('');
      onPublished();
    });
  return (
    <Form title={t('newRecall')} onSend={publish}>
      <div class="filters">
        <Field label={t('gtin')} value={code} isNeeded isCode onInput={setCode} max={14} />
        <Field label={t('lotNumbers')} value={lots} isCode onInput={setLots} />
      </div>
      <p class="soft">{t('lotsEmpty')}</p>
      <Field rows={3} label={t('decisionReason')} value={reason} isNeeded onInput={setReason} max={500} />
      <p class="actions">
        <button type="submit" class="danger" disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'publishRecall')}
        </button>
      </p>
      <Done of={doing} again={publish}>
        {published === undefined ? null : t('recallPublished', { code: published })}
      </Done>
    </Form>
  );
}

function RecallCard({ recall, onChange }: { recall: Recall; onChange(): void }) {
  const { t, date } = useWords();
  const doing = useDoing();
  const [isOpen, setOpen] = useState(false);
  const { id, product, lots, reason, status } = recall;
  const end = (): void =>
    doing.run(async (key) => {
      const body = { product, lots, reason, status: 'ended' };
      await ask({ method: 'PUT', path: `/recalls/${id}`, body, headers: { 'Idempotency-Key': key } });
      onChange();
    });
  return (
    <li class="card">
      <p>
        <strong dir="ltr">{product.code}</strong>{' '}
        <span class={status === 'active' ? 'tag bad' : 'tag'}>{t(`recall-${status}`)}</span>
      </p>
      <p dir="auto">{reason}</p>
      <p class="soft">
        {date(recall.publishedAt)} · {lots.length === 0 ? t('allLots') : <bdi>{lots.join(', ')}</bdi>}
      </p>
      <p class="actions">
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t('whomReached')}
        </button>
        {status === 'active' ? (
          <button type="button" disabled={doing.isBusy} onClick={end}>
            {t('endRecall')}
          </button>
        ) : null}
      </p>
      <Done of={doing} again={end} />
      {isOpen ? <Reached id={id} /> : null}
    </li>
  );
}

function Reached({ id }: { id: string }) {
  const { t, number } = useWords();
  const load = useCallback(
    async (signal: AbortSignal) => (await ask<Followed>({ path: `/recalls/${id}`, signal })).body,
    [id],
  );
  const loaded = useLoaded(load);
  return (
    <WhenLoaded of={loaded}>
      {({ holders }) =>
        holders.length === 0 ? (
          <Empty>{t('noCounts')}</Empty>
        ) : (
          <Wide label={t('whomReached')}>
            <table>
              <thead>
                <tr>
                  {(['provider', 'dispensesFound', 'patientsFound', 'patientsReached', 'custodianCounts'] as const).map(
                    (one) => (
                      <th key={one} scope="col">
                        {t(one)}
                      </th>
                    ),
                  )}
                </tr>
              </thead>
              <tbody>
                {holders.map(({ provider, reported, differs }) => (
                  <tr key={provider}>
                    <th scope="row">{provider}</th>
                    <td>{number(reported?.dispenses ?? 0)}</td>
                    <td>{number(reported?.patients ?? 0)}</td>
                    <td>{number(reported?.reached ?? 0)}</td>
                    <td>
                      <span class={differs ? 'tag bad' : 'tag good'}>{t(differs ? 'countsDiffer' : 'countsSame')}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
        )
      }
    </WhenLoaded>
  );
}
