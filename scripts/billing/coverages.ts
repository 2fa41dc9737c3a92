/**
 * The Coverages of a payer's file as its gateway takes them: the member's number and the payer's name stand in the place of records that only the
 * sender's system has. Nothing is invented: every change follows from the Coverage and its file, and is named.
 */
import type { Entry } from '../load/bundle.ts';

type Members = Record<string, unknown>;

/** A resource to be sent by itself. */
export interface Prepared {
  /** Its fullUrl in the file, or its place. */
  name: string;
  /** Undefined where it cannot be sent. */
  body: object | undefined;
  /** Why not. */
  missing: string | undefined;
  /** What was done to it. */
  did: string[];
}

const COVERAGE_PROVIDER = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';
const MEMBER_NUMBERS = ['MB', 'um'];

const membersOf = (value: unknown): Members[] => (Array.isArray(value) ? (value as Members[]) : []);

export interface Registering {
  /** Name of the payer. */
  payer: string;
  /** Names of the providers that may bill it. */
  providers: readonly string[];
}

/** Each Coverage of a file's entries, in their order. */
export function preparedCoverages(entries: readonly Entry[], registering: Registering): Prepared[] {
  const byUrl = new Map<string, Members>();
  for (const { fullUrl, resource } of entries) {
    if (resource === undefined) continue;
    if (fullUrl !== undefined) byUrl.set(fullUrl, resource);
    if (typeof resource['id'] === 'string') byUrl.set(`${resource.resourceType}/${resource['id']}`, resource);
  }
  return entries.flatMap(({ fullUrl, resource }, at) =>
    resource?.resourceType === 'Coverage' ? [prepared(fullUrl ?? `entry[${at}]`, resource, byUrl, registering)] : [],
  );
}

function prepared(
  name: string,
  coverage: Members,
  byUrl: ReadonlyMap<string, Members>,
  { payer, providers }: Registering,
): Prepared {
  const did: string[] = [];
  const { id: _, meta: __, policyHolder: ___, subscriber: ____, ...rest } = coverage;
  const beneficiary = memberIn(rest['beneficiary'], rest['subscriberId'], byUrl, did);
  if (beneficiary === undefined) {
    const missing = 'the number of its beneficiary: neither the Coverage nor a Patient of the file has one';
    return { name, body: undefined, missing, did };
  }
  for (const one of ['policyHolder', 'subscriber'])
    if (coverage[one] !== undefined) did.push(`${one} was left out: the ledger knows members by their numbers`);
  if (JSON.stringify(rest['payor']) !== JSON.stringify([{ display: payer }]))
    did.push('its payor was written as this payer');
  const extension = membersOf(rest['extension']);
  const isShown = extension.some(({ url }) => url === COVERAGE_PROVIDER);
  const shown = providers.map((valueString) => ({ url: COVERAGE_PROVIDER, valueString }));
  const body = {
    ...rest,
    extension: isShown ? extension : [...extension, ...shown],
    ...(rest['identifier'] === undefined ? {} : { identifier: membersOf(rest['identifier']).map(withoutAssigner) }),
    ...{ beneficiary, payor: [{ display: payer }] },
  };
  return { name, body, missing: undefined, did };
}

const withoutAssigner = ({ assigner: _, ...identifier }: Members): Members => identifier;

/** Whom it covers, by a number: its own, that of the Patient in the file, or what the Coverage calls its subscriber. */
function memberIn(
  beneficiary: unknown,
  subscriberId: unknown,
  byUrl: ReadonlyMap<string, Members>,
  did: string[],
): object | undefined {
  const { reference = '', identifier } = (beneficiary ?? {}) as { reference?: string; identifier?: object };
  if (identifier !== undefined) return { identifier };
  const found = numberOf(byUrl.get(reference));
  if (found !== undefined) {
    did.push('its beneficiary was named by the number that the Patient of the file has');
    return { identifier: found };
  }
  if (typeof subscriberId !== 'string') return undefined;
  did.push('its beneficiary was named by its subscriber’s number');
  return { identifier: { value: subscriberId } };
}

/** The member's number of a Patient, or else the only number that it has. */
function numberOf(patient: Members | undefined): object | undefined {
  const all = membersOf(patient?.['identifier']).filter(({ value }) => typeof value === 'string');
  const [number] = all.filter(({ type }) =>
    membersOf((type as Members | undefined)?.['coding']).some(({ code }) => MEMBER_NUMBERS.includes(String(code))),
  );
  const one = number ?? (all.length === 1 ? all[0] : undefined);
  return one && withoutAssigner(one);
}
