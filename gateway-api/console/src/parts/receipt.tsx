/** What was written: its number on the ledger, and its receipt as a file. */
import { file, keepFile } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from './doing.ts';
import { Failure } from './failure.tsx';

export function Receipt({ of }: { of: string | undefined }) {
  const { t } = useWords();
  const doing = useDoing();
  if (of === undefined) return null;
  const keep = (): void =>
    doing.run(async () => keepFile(await file(`/receipts/${of}`), `receipt-${of.slice(0, 8)}.json`));
  return (
    <>
      <p class="soft">
        {t('transaction')} <code dir="ltr">{of}</code>
      </p>
      <p class="actions">
        <button type="button" onClick={keep} disabled={doing.isBusy}>
          {t('keepReceipt')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} again={keep} />}
    </>
  );
}
