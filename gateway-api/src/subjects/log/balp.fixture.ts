/**
 * For tests: what IHE's Basic Audit Log Patterns demand of an event that says that it follows one
 * (profiles.ihe.net/ITI/BALP, 1.1.4), and which kind of entry follows which. Written from the guide, not with our events at hand.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Kind } from './wording.ts';

const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.';

/** For operations of our own, for reads that are refused and for what is purged the guide has no pattern. */
const NONE = null;
/** Of RESTful interactions, by their codes; of a history there is none. */
const READING: Readonly<Record<string, string>> = {
  ...{ read: 'PatientRead', vread: 'PatientRead', 'search-type': 'PatientQuery' },
};
/**
 * The guide has patterns for RESTful interactions that succeed, for decisions on consents and for disclosures. Every kind of entry is
 * here: a new one says which it follows, or that there is none.
 */
const PROFILE_OF: Readonly<Record<Kind, string | typeof NONE | typeof READING>> = {
  ...{ asked: 'AuthZconsent', refused: 'AuthZconsent' },
  ...{ delivered: 'PrivacyDisclosure.Source', emergency: 'PrivacyDisclosure.Source' },
  ...{ grant: 'PatientCreate', amend: 'PatientUpdate', revoke: 'PatientUpdate' },
  ...{ 'grant-delegation': 'PatientCreate', 'amend-delegation': 'PatientUpdate', 'revoke-delegation': 'PatientUpdate' },
  ...{ read: READING, search: READING, log: READING },
  ...{ purged: NONE, erased: NONE, erasing: NONE, refusal: NONE },
  ...{ 'enrol-key': NONE, 'recover-key': NONE, 'rotate-key': NONE, 'end-key': NONE, 'cancel-key': NONE },
  ...{ 'issue-code': NONE, 'cancel-code': NONE, link: NONE, unlink: NONE },
  ...{ confirm: NONE, dispute: NONE, appeal: NONE, record: NONE, share: NONE, unshare: NONE },
  ...{ 'correction-asked': NONE, 'correction-accepted': NONE, 'correction-refused': NONE },
  ...{ restrict: NONE, 'lift-restriction': NONE, look: NONE, answer: NONE, told: NONE },
};

interface Coding {
  system?: string;
  code?: string;
}
interface Part {
  type?: Coding & { coding?: Coding[] };
  role?: Coding;
  who?: object;
  what?: { reference?: string; type?: string };
  network?: object;
  requestor?: boolean;
  query?: string;
  [name: string]: unknown;
}
interface Event {
  meta?: { profile?: string[] };
  type: Coding;
  subtype?: Coding[];
  action: string;
  outcome: string;
  agent: Part[];
  entity?: Part[];
  source: { observer: object };
  modifierExtension?: unknown;
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const ENTITY = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const OBJECT_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const RESTFUL = 'http://hl7.org/fhir/restful-interaction';
const is = (coding: Coding | undefined, system: string, code: string): boolean =>
  coding?.system === system && coding.code === code;

/** A check of one event: what is wrong is added to what was found. */
class Check {
  readonly found: string[] = [];
  readonly #event: Event;

  constructor(event: Event) {
    this.#event = event;
  }

  that(holds: boolean, fault: string): void {
    if (!holds) this.found.push(fault);
  }

  /** The one agent of a type. */
  agent(system: string, code: string): Part {
    const all = this.#event.agent.filter(({ type }) => type?.coding?.some((one) => is(one, system, code)));
    this.that(all.length === 1, `${all.length} agents of type ${code}`);
    this.that(all[0]?.who !== undefined, `agent ${code} has no who`);
    return all[0] ?? {};
  }

  entities(system: string, code: string): Part[] {
    return (this.#event.entity ?? []).filter(({ type }) => is(type, system, code));
  }

  patient(): void {
    const [one, ...more] = this.entities(ENTITY, '1');
    const { reference, type } = one?.what ?? {};
    this.that(one !== undefined && more.length === 0, 'not one patient');
    this.that(is(one?.role, OBJECT_ROLE, '1'), 'the patient’s role');
    this.that(reference?.startsWith('Patient/') === true || type === 'Patient', 'the patient is none');
  }

  rest(code: string, action: string, [client, server]: readonly [string, string]): void {
    const { type, subtype = [], action: given, outcome } = this.#event;
    this.that(is(type, 'http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest'), 'type');
    this.that(
      subtype.some((one) => is(one, RESTFUL, code) || is(one, RESTFUL, alsoOf(code))),
      'subtype',
    );
    this.that(given === action, 'action');
    this.that(outcome === '0', 'outcome');
    for (const end of [client, server]) this.that(this.agent(DCM, end).network !== undefined, `network of ${end}`);
    this.patient();
  }

  data(): void {
    const [one, ...more] = this.entities(ENTITY, '2');
    this.that(one !== undefined && more.length === 0, 'not one data entity');
    this.that(
      ['3', '4', '20'].some((code) => is(one?.role, OBJECT_ROLE, code)),
      'role of the data',
    );
    this.that(one?.what !== undefined, 'the data is not named');
  }
}

const alsoOf = (code: string): string => ({ read: 'vread', 'search-type': 'search', update: 'patch' })[code] ?? code;

const RULES: Readonly<Record<string, (check: Check, event: Event) => void>> = {
  PatientCreate: (check) => {
    check.rest('create', 'C', ['110153', '110152']);
    check.data();
  },
  PatientUpdate: (check) => {
    check.rest('update', 'U', ['110153', '110152']);
    check.data();
  },
  PatientRead: (check) => {
    check.rest('read', 'R', ['110152', '110153']);
    check.data();
  },
  PatientQuery: (check) => {
    check.rest('search-type', 'E', ['110153', '110152']);
    const [query, ...more] = check.entities(ENTITY, '2');
    check.that(query?.query !== undefined && more.length === 0, 'not one query');
    check.that(is(query?.role, OBJECT_ROLE, '24'), 'role of the query');
    for (const name of ['what', 'lifecycle', 'detail']) check.that(query?.[name] === undefined, `query.${name}`);
  },
  'PrivacyDisclosure.Source': (check, { type, subtype = [], action, source, modifierExtension }) => {
    check.that(modifierExtension === undefined, 'modifierExtension');
    check.that(is(type, DCM, '110106') && action === 'R', 'type or action');
    const lifecycle = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle';
    check.that(
      subtype.some((one) => is(one, lifecycle, 'disclose')),
      'subtype',
    );
    const from = check.agent(DCM, '110153');
    check.that(JSON.stringify(from.who) === JSON.stringify(source.observer), 'the source is not who says it');
    for (const code of ['110152', '110153']) check.that(check.agent(DCM, code).network !== undefined, 'network');
    check.patient();
  },
  AuthZconsent: (check, { type, subtype = [], action, source, entity = [], modifierExtension }) => {
    check.that(modifierExtension === undefined, 'modifierExtension');
    check.that(is(type, DCM, '110113') && action === 'E', 'type or action');
    const system = 'https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType';
    check.that(
      subtype.some((one) => is(one, system, 'AuthZ-Consent')),
      'subtype',
    );
    const client = check.agent(DCM, '110150');
    const user = check.agent(PARTICIPATION, 'IRCP');
    const organisation = check.agent('http://terminology.hl7.org/CodeSystem/v3-RoleClass', 'PROV');
    const decider = check.agent('http://terminology.hl7.org/CodeSystem/extra-security-role-type', 'authserver');
    check.that(client.network !== undefined, 'network of the client');
    check.that(user.requestor === true && user.network === undefined, 'the user');
    check.that(
      [organisation, decider].every(({ requestor, network }) => !requestor && !network),
      'others',
    );
    for (const name of ['altId', 'name', 'location', 'media', 'role'])
      for (const agent of [client, organisation, decider]) check.that(agent[name] === undefined, name);
    check.that(JSON.stringify(decider.who) === JSON.stringify(source.observer), 'who decides is not who says it');
    check.patient();
    const consents = check.entities('http://hl7.org/fhir/resource-types', 'Consent');
    check.that(consents.length > 0 && consents.every(({ what }) => what !== undefined), 'consent');
    check.that(entity.length === consents.length + 1, 'entities of other types');
  },
};

/** Whether it follows what it says, and says what its kind follows. */
export function faultsOf(resource: Resource, kind: Kind): string[] {
  const event = resource as unknown as Event;
  const check = new Check(event);
  const { profile = [] } = event.meta ?? {};
  const given = PROFILE_OF[kind];
  const byReading = event.subtype?.flatMap(({ code = '' }) => READING[code] ?? [])[0] ?? NONE;
  const expected = given === READING ? byReading : given;
  const wanted = expected === NONE ? [] : [`${BALP}${expected}`];
  check.that(profile.join() === wanted.join(), `it says ${profile.join() || 'nothing'}, not ${wanted.join()}`);
  for (const one of profile) {
    const rule = RULES[one.slice(BALP.length)];
    check.that(rule !== undefined, `nothing is known of ${one}`);
    rule?.(check, event);
  }
  return check.found.map((fault) => `${kind}: ${fault}`);
}
