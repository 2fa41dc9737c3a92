/** `npm run -s verify:page > verify.html`: the verifier as one file that a browser opens from the disk. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { build } from 'esbuild';

const PAGE = join(import.meta.dirname, 'page.ts');
const BODY = `<h1>Check a receipt or an export</h1>
<p><label>Receipt or export <input id="file" type="file"></label></p>
<p><label>Roots (JSON) <input id="roots" type="file"></label></p>
<p><button id="check">Check</button></p><pre id="out"></pre>`;

/** The page. @param entry another program for it, by its path */
export async function pageOf(entry = PAGE): Promise<string> {
  const { outputFiles } = await build({
    ...{ entryPoints: [entry], bundle: true, write: false, minify: true, platform: 'browser', format: 'esm' },
    ...{ target: 'es2023', logLevel: 'error', legalComments: 'none' },
  });
  // No text of the program ends it, wherever it stands.
  const script = outputFiles[0]!.text.replaceAll('</script', '<\\/script');
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'`;
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Telemed Ledger verifier</title>
<meta http-equiv="Content-Security-Policy" content="${policy}">
<style>body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}</style>
</head><body>
${BODY}
<script type="module">${script}</script></body></html>
`;
}

if (import.meta.main) process.stdout.write(await pageOf());
