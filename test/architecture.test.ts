/**
 * Holds the house rules that a reader relies on: who may import whom (the rooms of the design), where Fabric is touched,
 * how files are named and opened, and that nothing of one machine stands in the repository.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..');
const WORKSPACES = ['chaincode', 'gateway-api', 'network', 'scripts', 'test'];
/** Packages of their own inside a room. */
const INNER_PACKAGES: Record<string, string> = {
  consortium: 'network/consortium',
  formats: 'network/formats',
};
const NOT_OURS = new Set(['node_modules', '.data', '.git', 'coverage']);

/** Paths from the root, with slashes. */
function filesUnder(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = directory === '.' ? entry.name : `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

const everyFile = filesUnder('.');
const sources = everyFile.filter((file) => file.endsWith('.ts') && WORKSPACES.includes(file.split('/')[0] ?? ''));
/** Tests, and what only tests use. */
const isTest = (file: string): boolean => file.startsWith('test/') || /\.(test|fixture)\.ts$|\/fixtures\//.test(file);
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const IMPORT = /(?:^|[\s;])(?:import|export)\s+(?:type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/g;

/** What a source imports: paths from the root for our own files, bare names for packages. */
function importsOf(file: string): string[] {
  const specifiers = [...textOf(file).matchAll(IMPORT)].map((found) => found[1] ?? found[2] ?? '');
  return specifiers.map((specifier) => {
    if (specifier.startsWith('.'))
      return relative(ROOT, join(ROOT, dirname(file), specifier))
        .split(sep)
        .join('/');
    const [, workspace, rest] = /^@telemed-ledger\/([a-z-]+)(?:\/(.*))?$/.exec(specifier) ?? [];
    if (workspace === undefined) return specifier;
    const inSource = workspace === 'chaincode' || workspace === 'gateway-api' ? 'src/' : '';
    return `${INNER_PACKAGES[workspace] ?? workspace}/${inSource}${rest ?? ''}`;
  });
}

/** The directory of the package that one of our files belongs to. */
const packageOf = (file: string): string =>
  Object.values(INNER_PACKAGES).find((directory) => file.startsWith(`${directory}/`)) ?? file.split('/')[0] ?? '';

function declaredBy(directory: string): Record<string, string> {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(textOf(`${directory}/package.json`));
  return { ...dependencies, ...devDependencies };
}

const isOwn = (imported: string): boolean => WORKSPACES.some((workspace) => imported.startsWith(`${workspace}/`));

const CONSORTIUM = 'network/consortium/';
const FORMATS = 'network/formats/';
const EXECUTABLE = 'network/executable.ts';

/** For files under `from`: what of ours they may import. The first that fits a file counts. */
const MAY_IMPORT: { from: string; only: string[] }[] = [
  { from: 'chaincode/src/model/', only: ['chaincode/src/model/', CONSORTIUM] },
  { from: 'chaincode/src/rules/', only: ['chaincode/src/rules/', 'chaincode/src/model/', CONSORTIUM] },
  { from: 'chaincode/src/ledger/', only: ['chaincode/src/ledger/', 'chaincode/src/model/', CONSORTIUM] },
  { from: 'chaincode/', only: ['chaincode/', CONSORTIUM] },
  { from: 'gateway-api/', only: ['gateway-api/', 'chaincode/src/model/', CONSORTIUM, FORMATS] },
  { from: CONSORTIUM, only: [CONSORTIUM] },
  { from: FORMATS, only: [FORMATS] },
  { from: 'network/embedded/', only: ['network/embedded/', FORMATS] },
  {
    from: 'network/fabric/',
    only: ['network/fabric/', 'network/ca/', 'network/collections.ts', EXECUTABLE, CONSORTIUM, FORMATS],
  },
  { from: 'network/ca/', only: ['network/ca/', EXECUTABLE, CONSORTIUM, FORMATS] },
  { from: 'network/', only: ['network/'] },
];

/** Lines `file → import` that break a rule. */
function breaches(files: readonly string[], isAllowed: (file: string, imported: string) => boolean): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !isAllowed(file, imported))
      .map((imported) => `${file} → ${imported}`),
  );
}

const product = sources.filter((file) => !isTest(file));

describe('Architecture', () => {
  it('finds the sources and reads their imports', () => {
    expect(sources.length).to.be.greaterThan(100);
    expect(importsOf('test/architecture.test.ts')).to.have.members(['node:fs', 'node:path', 'chai']);
    expect(importsOf('gateway-api/src/subjects/records/records.ts')).to.include('chaincode/src/model/errors.ts');
  });

  it('lets a room import only what the design allows', () => {
    const isAllowed = (file: string, imported: string): boolean => {
      const rule = MAY_IMPORT.find(({ from }) => file.startsWith(from));
      return rule === undefined || !isOwn(imported) || rule.only.some((allowed) => imported.startsWith(allowed));
    };
    expect(breaches(product, isAllowed)).to.deep.equal([]);
  });

  it('lets the tests of a workspace import only what the workspace declares', () => {
    const tests = sources.filter(isTest);
    const isAllowed = (file: string, imported: string): boolean => {
      if (!isOwn(imported)) return true;
      const [own, other] = [packageOf(file), packageOf(imported)];
      return other === own || `@telemed-ledger/${other.split('/').at(-1)}` in declaredBy(own);
    };
    expect(breaches(tests, isAllowed)).to.deep.equal([]);
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
    expect(touching).to.have.members(
      ['ledger/memory-ledger.ts', 'ledger/store.ts', 'ledger/transaction.ts', 'shim.ts'].map(
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
    expect(methods.length).to.be.greaterThan(20);
  });

  it('keeps rules and model free of input, output, clocks and randomness', () => {
    const pure = product.filter((file) => /^chaincode\/src\/(rules|model)\//.test(file));
    const isAllowed = (_: string, imported: string): boolean =>
      !imported.startsWith('node:') || imported === 'node:crypto';
    expect(breaches(pure, isAllowed)).to.deep.equal([]);
    const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\(|\brandomBytes\(|\bprocess\./;
    expect(pure.filter((file) => impure.test(textOf(file)))).to.deep.equal([]);
  });

  it('imports packages only where the workspace declares them', () => {
    const isAllowed = (file: string, imported: string): boolean => {
      if (isOwn(imported) || imported.startsWith('node:')) return true;
      const name = imported
        .split('/')
        .slice(0, imported.startsWith('@') ? 2 : 1)
        .join('/');
      return name in declaredBy(packageOf(file));
    };
    expect(breaches(product, isAllowed)).to.deep.equal([]);
  });

  it('names files in kebab-case, by what they hold', () => {
    const named = sources.map((file) => file.split('/').at(-1) ?? '');
    expect(
      named.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.generated|\.test|\.fixture)?\.ts$/.test(name)),
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

  it('has a README in every room', () => {
    const rooms = ['.', ...WORKSPACES, 'network/embedded'];
    expect(rooms.filter((room) => !existsSync(join(ROOT, room, 'README.md')))).to.deep.equal([]);
  });

  it('holds nothing of one machine: no paths, no registries', () => {
    const machine = /(?:^|[\s'"`(=])\/(?:root|home|work|Users)\/[\w.-]+/m;
    const texts = everyFile.filter((file) => /\.(ts|js|cjs|mjs|json|ya?ml|md|sh|html|css)$|^\.ci\//.test(file));
    const others = texts.filter((file) => file !== 'test/architecture.test.ts');
    expect(others.filter((file) => machine.test(textOf(file)))).to.deep.equal([]);
    // A lock file without addresses installs from whichever registry its reader uses.
    expect(textOf('package-lock.json')).not.to.match(/"resolved": "https?:/);
    expect(everyFile.filter((file) => file.endsWith('.npmrc'))).to.deep.equal([]);
  });
});
