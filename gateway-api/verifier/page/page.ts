/** The verifier as a page: two files are chosen, nothing is sent anywhere (the page's policy allows no connection). */
import type { Roots } from '../src/check.ts';
import { reportOn } from '../src/report.ts';

/** What of a browser it uses. */
declare const document: {
  getElementById(id: string): {
    files?: ArrayLike<Blob> | null;
    textContent: string | null;
    addEventListener(event: 'click', listener: () => void): void;
  };
};

const chosen = (id: string): Blob | undefined => document.getElementById(id).files?.[0];

async function check(): Promise<string[]> {
  const [file, roots] = [chosen('file'), chosen('roots')];
  if (file === undefined || roots === undefined) return ['Choose a receipt or an export, and the roots.'];
  const bytes = new Uint8Array(await file.arrayBuffer());
  return (await reportOn(bytes, JSON.parse(await roots.text()) as Roots)).lines;
}

document.getElementById('check').addEventListener('click', () => {
  const out = document.getElementById('out');
  const show = (lines: readonly string[]): void => {
    out.textContent = lines.join('\n');
  };
  check().then(show, (error: Error) => show([error.message]));
});
