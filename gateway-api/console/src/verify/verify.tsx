/** Checks a receipt or an export in this browser: the files are read here and sent nowhere. */
import type { Report } from '@telemed-ledger/verifier/report.ts';
import type { Roots } from '@telemed-ledger/verifier/roots.ts';
import { useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import { Drop } from '../parts/drop.tsx';

export function Verify() {
  const { t } = useWords();
  const [file, setFile] = useState<File | undefined>();
  const [roots, setRoots] = useState<File | undefined>();
  const [report, setReport] = useState<Report | undefined>();
  const [isBusy, setBusy] = useState(false);
  const check = async (): Promise<void> => {
    if (file === undefined || roots === undefined) return;
    setBusy(true);
    const found = await reportOf(file, roots).catch((error: Error) => ({ holds: false, lines: [error.message] }));
    setReport(found);
    setBusy(false);
  };
  return (
    <>
      <p class="lead">{t('verifyLead')}</p>
      <Drop label={t('verifyFile')} file={file} onFile={setFile} />
      <Drop label={t('verifyRoots')} file={roots} onFile={setRoots} />
      <p class="soft">{t('verifyRootsWhy')}</p>
      <p class="actions">
        <button
          type="button"
          class="main"
          disabled={file === undefined || roots === undefined || isBusy}
          onClick={() => void check()}
        >
          {t(isBusy ? 'working' : 'check')}
        </button>
      </p>
      <div role="status">
        {report === undefined ? null : (
          <div class={report.holds ? 'notice good' : 'notice bad'}>
            <p>
              <strong>{t(report.holds ? 'holds' : 'holdsNot')}</strong>
            </p>
            <ul dir="ltr">
              {report.lines.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </>
  );
}

/** The verifier is a large part of its own, which comes with the first check. */
async function reportOf(file: File, roots: File): Promise<Report> {
  const { reportOn } = await import('@telemed-ledger/verifier/report.ts');
  const bytes = new Uint8Array(await file.arrayBuffer());
  return reportOn(bytes, JSON.parse(await roots.text()) as Roots);
}
