/**
 * Makes the pages of what stands in src/: one style sheet, one program and the parts that it loads when they are needed. In memory,
 * in less than a second, and once a process: there is no output that could be older than its source.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, stop } from 'esbuild';

const SOURCE = join(import.meta.dirname, 'src');
/** Where a gateway serves the assets; the page itself is `/`. */
export const ASSETS = '/console/';

export interface Asset {
  type: string;
  bytes: Buffer;
  gzip: Buffer;
}

export interface Pages {
  /** The one document, which is at `/`. */
  document: Asset & { etag: string };
  /** By name; each name holds the hash of what it stands for. */
  assets: ReadonlyMap<string, Asset>;
  icon: Asset;
  /** Names of the assets that are fetched before anything is shown. */
  first: readonly string[];
}

const TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

const assetOf = (type: string, text: Uint8Array | string): Asset => {
  const bytes = Buffer.from(text);
  return { type, bytes, gzip: gzipSync(bytes, { level: 9 }) };
};

/** The page: nothing in it but where everything else is, so that its policy needs no exception. */
const documentOf = (script: string, style: string, parts: readonly string[], icon: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Telemed Ledger</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">
<link rel="icon" href="${ASSETS}${icon}" type="image/svg+xml"><link rel="stylesheet" href="${ASSETS}${style}">
${parts.map((part) => `<link rel="modulepreload" href="${ASSETS}${part}">`).join('')}
<script type="module" src="${ASSETS}${script}"></script></head>
<body><div id="app"></div><noscript>These pages need JavaScript. The gateway's API does not: see /docs.</noscript></body></html>
`;

let made: Promise<Pages> | undefined;

/** The pages, which are made when they are first asked for. */
export function pages(): Promise<Pages> {
  // Its helper process would stay as long as this one.
  made ??= make().finally(stop);
  return made;
}

async function make(): Promise<Pages> {
  const { outputFiles, metafile } = await build({
    ...{
      entryPoints: { app: join(SOURCE, 'main.tsx'), style: join(SOURCE, 'style.css'), icon: join(SOURCE, 'icon.svg') },
    },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2023', minify: true },
    ...{
      write: false,
      outdir: '/',
      absWorkingDir: SOURCE,
      metafile: true,
      legalComments: 'none',
      logLevel: 'error',
      charset: 'utf8',
    },
    ...{ entryNames: '[name]-[hash]', chunkNames: 'part-[hash]', assetNames: '[name]-[hash]' },
    ...{ jsx: 'automatic', jsxImportSource: 'preact', loader: { '.svg': 'copy' } },
  });
  const nameOf = (path: string): string => path.split(/[/\\]/).at(-1) ?? path;
  const assets = new Map(
    outputFiles.map(({ path, contents }) => {
      const name = nameOf(path);
      return [name, assetOf(TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream', contents)];
    }),
  );
  const named = (start: string, end: string): string =>
    [...assets.keys()].find((name) => name.startsWith(start) && name.endsWith(end)) ?? '';
  const [script, style, icon] = [named('app-', '.js'), named('style-', '.css'), named('icon-', '.svg')];
  const parts = new Map<string, readonly string[]>(
    Object.entries(metafile.outputs).map(([path, { imports }]) => [
      nameOf(path),
      imports.filter(({ kind }) => kind === 'import-statement').map(({ path: to }) => nameOf(to)),
    ]),
  );
  const needed = new Set<string>();
  const need = (name: string): void => {
    for (const one of parts.get(name) ?? [])
      if (!needed.has(one)) {
        needed.add(one);
        need(one);
      }
  };
  need(script);
  const document = assetOf('text/html; charset=utf-8', documentOf(script, style, [...needed], icon));
  const etag = `"${createHash('sha256').update(document.bytes).digest('base64url').slice(0, 22)}"`;
  return { document: { ...document, etag }, icon: assets.get(icon)!, assets, first: [script, style, icon, ...needed] };
}
