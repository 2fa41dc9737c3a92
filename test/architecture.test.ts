/**
 * Holds the house rules that a reader relies on: who may import whom (the rooms of the design), in no circles and for a
 * use, where Fabric is touched, how files are named and opened, and that nothing of one machine stands in the repository.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..');
const WORKSPACES = ['chaincode', 'gateway-api', 'network', 'scripts', 'test'];
const NOT_OURS = new Set(['node_modules', '.data', '.git', 'coverage']);

/** Paths from the root, with slashes. */
function filesUnder(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = directory === '.' ? entry.name : `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const everyFile = filesUnder('.');
const sources = everyFile.filter((file) => /\.tsx?$/.test(file) && WORKSPACES.includes(file.split('/')[0] ?? ''));
/** Tests, and what only tests use. */
const isTest = (file: string): boolean => file.startsWith('test/') || /\.(test|fixture)\.ts$|\/fixtures\//.test(file);
const product = sources.filter((file) => !isTest(file));

interface Package {
  directory: string;
  dependencies: Record<string, string>;
  /** What its exports put before a path. */
  base: string;
}

/** Every workspace by the name others import it by; one inside another's directory comes first. */
const packages = new Map<string, Package>(
  (JSON.parse(textOf('package.json')).workspaces as string[])
    .toSorted((one, other) => other.length - one.length)
    .map((directory) => {
      const { name, exports = {}, dependencies, devDependencies } = JSON.parse(textOf(`${directory}/package.json`));
      const base = Object.values(exports as Record<string, string>).some((path) => path.startsWith('./src/'))
        ? 'src/'
        : '';
      return [name, { directory, base, dependencies: { ...dependencies, ...devDependencies } }];
    }),
);

/** The package that one of our files belongs to. */
function packageOf(file: string): [name: string, Package] {
  const found = [...packages].find(([, { directory }]) => file.startsWith(`${directory}/`));
  if (found === undefined) throw new Error(`${file} belongs to no package`);
  return found;
}

const IMPORT = /(?:^|[\s;])(?:import|export)\s+(?:type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/g;

/** What a source imports: paths from the root for our own files, bare names for packages. */
function importsIn(text: string, file: string): string[] {
  const specifiers = [...text.matchAll(IMPORT)].map((found) => found[1] ?? found[2] ?? '');
  // Code that a test writes into a text may have a placeholder for what it imports.
  const known = specifiers.filter((specifier) => !specifier.includes('${'));
  return known.map((specifier) => {
    if (specifier.startsWith('.')) return posix.join(dirname(file), specifier);
    const [, name = '', path = ''] = /^(@telemed-ledger\/[a-z-]+)(?:\/(.*))?$/.exec(specifier) ?? [];
    const own = packages.get(name);
    return own === undefined ? specifier : `${own.directory}/${own.base}${path}`;
  });
}

const imports = new Map(sources.map((file) => [file, importsIn(textOf(file), file)]));
const importsOf = (file: string): string[] => imports.get(file) ?? [];
const isOwn = (imported: string): boolean => WORKSPACES.some((workspace) => imported.startsWith(`${workspace}/`));

const MODEL = 'chaincode/src/model/';
const CONSORTIUM = 'network/consortium/';
const FORMATS = 'network/formats/';

/** For files under `from`: what of ours they may import, besides their own room. The first that fits a file counts. */
const MAY_IMPORT: { from: string; only: string[] }[] = [
  { from: MODEL, only: [CONSORTIUM] },
  { from: 'chaincode/src/rules/', only: [MODEL, CONSORTIUM] },
  { from: 'chaincode/src/ledger/', only: [MODEL, CONSORTIUM] },
  { from: 'chaincode/src/contracts/', only: ['chaincode/src/rules/', 'chaincode/src/ledger/', MODEL, CONSORTIUM] },
  { from: 'chaincode/', only: [CONSORTIUM] },
  { from: 'gateway-api/verifier/', only: [] },
  { from: 'gateway-api/patient-client/', only: [] },
  { from: 'gateway-api/console/', only: ['gateway-api/verifier/'] },
  { from: 'gateway-api/', only: [MODEL, CONSORTIUM, FORMATS] },
  { from: CONSORTIUM, only: [] },
  { from: FORMATS, only: [] },
  { from: 'network/embedded/', only: [FORMATS] },
  { from: 'network/ca/', only: ['network/executable.ts', CONSORTIUM, FORMATS] },
  {
    from: 'network/fabric/',
    only: ['network/ca/', 'network/collections.ts', 'network/executable.ts', CONSORTIUM, FORMATS],
  },
  { from: 'network/', only: [] },
];

/** Whether the design lets a file import another of ours. */
function mayImport(file: string, imported: string): boolean {
  const rule = MAY_IMPORT.find(({ from }) => file.startsWith(from));
  return rule === undefined || !isOwn(imported) || [rule.from, ...rule.only].some((room) => imported.startsWith(room));
}

/** `file → import` of every import that lies on a circle, or between two: what is left without beginnings and ends. */
function circles(): string[] {
  let edges = sources.flatMap((file) => importsOf(file).map((to) => [file, to] as const));
  for (let before = 0; before !== edges.length; ) {
    before = edges.length;
    const importing = new Set(edges.map(([from]) => from));
    const imported = new Set(edges.map(([, to]) => to));
    edges = edges.filter(([from, to]) => importing.has(to) && imported.has(from));
  }
  return edges.map(([from, to]) => `${from} → ${to}`);
}

/** All of ours that a file loads, itself included, and the packages; types alone load nothing. */
function loadedBy(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const types = /(?:^|\n)(?:import|export) type [^;]*;/g;
  for (const imported of imports.has(file) ? importsIn(textOf(file).replace(types, ''), file) : [])
    loadedBy(imported, found);
  return found;
}

/** Lines `file → import` that break a rule. */
function breaches(files: readonly string[], isAllowed: (file: string, imported: string) => boolean): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !isAllowed(file, imported))
      .map((imported) => `${file} → ${imported}`),
  );
}

const rootPackage: { devDependencies: Record<string, string> } = JSON.parse(textOf('package.json'));

const packageNameOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const KNIP = join(ROOT, 'node_modules/knip/bin/knip.js');
const KNIP_TIMEOUT_MS = 120_000;

interface KnipIssues {
  issues: ({ file: string } & Record<string, { name: string; line?: number }[]>)[];
}

/** `file:line name` of what knip finds by knip.json. It reads the same imports as TypeScript does, and is quicker. */
function deadExports(): string[] {
  const kinds = ['exports', 'types', 'nsExports', 'nsTypes', 'enumMembers', 'duplicates'];
  const options = ['--no-progress', '--no-config-hints', '--no-exit-code', '--reporter', 'json'];
  const found = execFileSync(process.execPath, [KNIP, ...options, '--include', kinds.join()], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const { issues } = JSON.parse(found) as KnipIssues;
  return issues.flatMap((issue) =>
    kinds.flatMap((kind) => (issue[kind] ?? []).flat().map(({ name, line }) => `${issue.file}:${line} ${name}`)),
  );
}

describe('Architecture', () => {
  it('finds the sources and reads their imports', () => {
    expect(sources.length).to.be.greaterThan(100);
    expect(importsOf('test/architecture.test.ts')).to.have.members([
      'node:child_process',
      'node:fs',
      'node:path',
      'chai',
    ]);
    expect(importsOf('gateway-api/src/subjects/records/records.ts')).to.include('chaincode/src/model/errors.ts');
  });

  it('lets a room import only what the design allows', () => {
    expect(breaches(product, mayImport)).to.deep.equal([]);
    expect(mayImport('network/fabric/x.ts', 'network/embedded/config.ts')).to.equal(false);
    expect(mayImport('gateway-api/verifier/x.ts', 'gateway-api/src/config.ts')).to.equal(false);
    expect(mayImport('gateway-api/patient-client/x.ts', 'chaincode/src/model/jws.ts')).to.equal(false);
    expect(mayImport('gateway-api/src/x.ts', 'chaincode/src/rules/access.ts')).to.equal(false);
  });

  it('lets every file import only packages and workspaces that its own declares', () => {
    const isAllowed = (file: string, imported: string): boolean => {
      if (imported.startsWith('node:')) return true;
      const [own, { dependencies }] = packageOf(file);
      const name = isOwn(imported) ? packageOf(imported)[0] : packageNameOf(imported);
      // Mocha, chai and fast-check are the root's, for all tests.
      return name === own || name in dependencies || (isTest(file) && name in rootPackage.devDependencies);
    };
    expect(breaches(sources, isAllowed)).to.deep.equal([]);
  });

  it('has no circles of imports, types included', () => {
    expect(circles()).to.deep.equal([]);
  });

  it('exports nothing that no other file imports', () => {
    expect(deadExports()).to.deep.equal([]);
  }).timeout(KNIP_TIMEOUT_MS);

  it('keeps the definition of the consortium and its reader out of the chaincode', () => {
    const loaded = ['chaincode/src/main.ts', 'chaincode/src/worker.ts'].flatMap((file) => [...loadedBy(file)]);
    expect(loaded).to.include(`${CONSORTIUM}members.ts`);
    expect(loaded.filter((file) => file === 'yaml' || file === `${CONSORTIUM}loader.ts`)).to.deep.equal([]);
  });

  it('imports the fabric-gateway SDK in one room of the gateway, and nowhere in chaincode or network', () => {
    const rooms = product.filter((file) => !file.startsWith('scripts/') && !file.startsWith('test/'));
    const isAllowed = (file: string, imported: string): boolean =>
      imported !== '@hyperledger/fabric-gateway' || file.startsWith('gateway-api/src/ledger/');
    expect(breaches(rooms, isAllowed)).to.deep.equal([]);
  });

  /** A source without its comments. */
  const codeOf = (file: string): string => textOf(file).replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1');

  it('touches the stub in one room of the chaincode, there in the frame and the store alone', () => {
    const chaincode = product.filter((file) => file.startsWith('chaincode/src/'));
    const touching = chaincode.filter((file) => /\bstub\b/i.test(codeOf(file)));
    // Beside these the two files that make it: the shim, and what it lacks.
    expect(touching).to.have.members(
      ['ledger/store.ts', 'ledger/transaction.ts', 'shim.ts', 'write-batches.ts'].map(
        (file) => `chaincode/src/${file}`,
      ),
    );
    // The frame hands on the tracked stub; of the bare one it asks the transaction's id alone, which is no call to the peer.
    const uses = codeOf('chaincode/src/ledger/transaction.ts').match(/(?:[\w.]+\()?ctx\.stub[\w.]*/g);
    expect(uses).to.deep.equal(['calls.track(ctx.stub', 'ctx.stub.getTxID']);
  });

  it("hands a contract's context to the frame and to nothing else", () => {
    const contracts = product.filter((file) => file.startsWith('chaincode/src/contracts/'));
    const allowed =
      /\(ctx: Context, argument: string\): Promise<string>|\brun\('\w+', this\.#consortium, ctx, argument,/g;
    const left = contracts.filter((file) =>
      /\bctx\b|\bContext\)|\barguments\b/.test(codeOf(file).replace(allowed, '')),
    );
    expect(left).to.deep.equal([]);
    const methods = contracts.flatMap((file) => codeOf(file).match(/\(ctx: Context/g) ?? []);
    expect(methods.length).to.be.greaterThan(15);
  });

  it('keeps rules, model and consortium free of input, output, clocks and randomness', () => {
    const readsFiles = [`${CONSORTIUM}loader.ts`];
    const pure = product.filter(
      (file) => /^(chaincode\/src\/(rules|model)|network\/consortium)\//.test(file) && !readsFiles.includes(file),
    );
    const isAllowed = (_: string, imported: string): boolean =>
      !imported.startsWith('node:') || imported === 'node:crypto';
    expect(breaches(pure, isAllowed)).to.deep.equal([]);
    const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\(|\brandomBytes\(|\bprocess\./;
    expect(pure.filter((file) => impure.test(textOf(file)))).to.deep.equal([]);
  });

  it('names files in kebab-case, by what they hold', () => {
    const named = sources.map((file) => file.split('/').at(-1) ?? '');
    expect(
      named.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.generated|\.test|\.fixture)?\.tsx?$/.test(name)),
    ).to.deep.equal([]);
    const vague = /(^|[/-])(utils?|helpers?|common|manager|misc)([-./]|$)/;
    expect(sources.filter((file) => vague.test(file))).to.deep.equal([]);
  });

  it('opens every source with its purpose', () => {
    expect(product.filter((file) => !/^(#!.*\n)?\s*\/(\*\*|\/)/.test(textOf(file)))).to.deep.equal([]);
  });

  it('keeps files readable in one sitting', () => {
    const lines = (file: string): number => textOf(file).split('\n').length;
    const long = sources.filter((file) => !file.includes('.generated.') && lines(file) > (isTest(file) ? 600 : 450));
    expect(long.map((file) => `${file}: ${lines(file)} lines`)).to.deep.equal([]);
  });

  it('keeps the wiring of a gateway to one page, and its subjects out of it', () => {
    const wiring = textOf('gateway-api/src/app.ts');
    expect(wiring.split('\n').length).to.be.lessThan(150);
    expect(importsOf('gateway-api/src/app.ts').filter((file) => file.includes('/routes.ts'))).to.deep.equal([]);
  });

  it('has a README in every room', () => {
    const rooms = [
      '.',
      ...[...packages.values()].map(({ directory }) => directory),
      'network/embedded',
      'network/fabric',
    ];
    expect(rooms.filter((room) => !existsSync(join(ROOT, room, 'README.md')))).to.deep.equal([]);
  });

  it('holds nothing of one machine: no paths, no registries', () => {
    const machine = /(?:^|[\s'"`(=])\/(?:root|home|work|Users)\/[\w.-]+/m;
    const texts = everyFile.filter((file) => /\.(tsx?|js|cjs|mjs|json|ya?ml|md|sh|html|css)$|^\.ci\//.test(file));
    const others = texts.filter((file) => file !== 'test/architecture.test.ts');
    expect(others.filter((file) => machine.test(textOf(file)))).to.deep.equal([]);
    // A lock file without addresses installs from whichever registry its reader uses.
    expect(textOf('package-lock.json')).not.to.match(/"resolved": "https?:/);
    expect(everyFile.filter((file) => file.endsWith('.npmrc'))).to.deep.equal([]);
  });
});
