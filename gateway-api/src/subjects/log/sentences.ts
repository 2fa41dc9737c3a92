/**
 * Events of the log as sentences, in the languages of texts/. A sentence says nothing that its event does not: no content of records.
 * What comes from others, names above all, is put in as it is, without what would turn the direction of the text around it.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { IntlMessageFormat } from 'intl-messageformat';
import { type Language, TEXTS } from './texts.ts';
import { type Kind, WHO } from './wording.ts';

interface Coding {
  system?: string;
  code?: string;
}
interface Who {
  reference?: string;
  display?: string;
  identifier?: { value?: string };
}
interface Agent {
  who?: Who;
  name?: string;
  type?: { coding?: Coding[] };
  role?: { coding?: Coding[] }[];
  requestor?: boolean;
}
interface Entity {
  name?: string;
  type?: Coding;
  what?: Who;
  detail?: { type: string; valueString: string }[];
}
interface Event {
  type: Coding;
  subtype: Coding[];
  recorded: string;
  outcome: string;
  outcomeDesc?: string;
  agent: Agent[];
  entity?: Entity[];
  purposeOfEvent?: { coding?: Coding[] }[];
}

const EMERGENCIES = new Set(['BTG', 'ETREAT']);
const CORRECTION_STEP = /^(?:correction-(?:asked|accepted|refused)|restrict|lift-restriction)$/;
const CONSENT_ACT = /^(?:grant|amend|revoke)(?:-delegation)?$/;

/** What a patient does herself beside these. */
const OWN_ACT = /^(?:link|unlink|confirm|dispute|appeal|record|share|unshare)$/;
const KEY_ACT = /^(?:(?:enrol|recover|rotate|end|cancel)-key|(?:issue|cancel)-code)$/;

/** What kind of entry an event is. */
export function kindOf(event: Event): Kind {
  const codes = event.subtype.map(({ code = '' }) => code);
  const { code } = event.type;
  if (code === '110106') return EMERGENCIES.has(purposeIn(event) ?? '') ? 'emergency' : 'delivered';
  if (code === '110113' || code === '110112') return codes.includes('refused') ? 'refused' : decidedOf(code, codes);
  if (code === 'destroy') return codes.includes('pending') ? 'erasing' : isPurge(event) ? 'purged' : 'erased';
  const step = codes.find((one) => CORRECTION_STEP.test(one));
  if (step !== undefined) return step as Kind;
  const act = codes.find((one) => CONSENT_ACT.test(one));
  if (act !== undefined) return act as Kind;
  const key = codes.find((one) => KEY_ACT.test(one));
  if (key !== undefined) return key as Kind;
  const own = codes.find((one) => OWN_ACT.test(one));
  if (own !== undefined) return own as Kind;
  if (codes.includes('refuse')) return 'answer';
  if (codes.includes('log')) return 'log';
  if (event.outcome !== '0') return 'refusal';
  if (isOfEvents(event)) return 'log';
  if (codes.some((one) => one === 'search')) return 'search';
  return codes.some((one) => one === 'read' || one === 'vread' || one === 'history') ? 'read' : 'look';
}

const decidedOf = (code: string, codes: readonly string[]): Kind =>
  code === '110112' && codes.includes('granted') ? 'told' : 'asked';
const isOfEvents = ({ entity = [] }: Event): boolean =>
  entity.some(({ detail = [] }) => detail.some((one) => one.type === 'type' && one.valueString === 'AuditEvent'));
const isPurge = ({ subtype }: Event): boolean => subtype.some(({ system = '' }) => system.endsWith('/access-status'));
const purposeIn = ({ purposeOfEvent }: Event): string | undefined => purposeOfEvent?.[0]?.coding?.[0]?.code;

/** Of an AuditEvent, without its time. */
export function sentenceOf(resource: Resource, language: Language): string {
  const event = resource as unknown as Event;
  const texts = TEXTS[language];
  const kind = kindOf(event);
  const facts = factsOf(event, language);
  const said = [filled(texts.sentences[kind], language, facts)];
  if (facts.purpose !== undefined && kind !== 'emergency') said.push(filled(texts.purpose, language, facts));
  if (facts.consent !== undefined && !isAct(kind)) said.push(filled(texts.consent, language, facts));
  if (isAct(kind) && facts.key !== undefined) said.push(filled(texts.signed, language, facts));
  if ((isAct(kind) || kind === 'link') && facts.trusted !== undefined)
    said.push(filled(texts.trusted, language, facts));
  if (facts.until !== undefined) said.push(filled(texts.until, language, facts));
  if (facts.restricted !== undefined) said.push(texts.restricted[facts.restricted as 'withheld']);
  if (kind === 'refused' && facts.because !== undefined) said.push(filled(texts.because, language, facts));
  return said.join('');
}

const isAct = (kind: Kind): boolean => CONSENT_ACT.test(kind);

/** The whole line, with its time (UTC). */
export const lineOf = (resource: Resource, language: Language): string =>
  filled(TEXTS[language].on, language, {
    at: isolated(timeIn(String(resource['recorded']), language), language),
    sentence: sentenceOf(resource, language),
  });

type Facts = Record<string, string | number | undefined>;

function factsOf(event: Event, language: Language): Facts {
  const { agent, entity = [], outcomeDesc } = event;
  const texts = TEXTS[language];
  const put = (text: string | undefined) => (text === undefined ? undefined : isolated(plain(text), language));
  const details = entity.flatMap(({ detail = [] }) => detail);
  const detail = (type: string) => details.find((one) => one.type === type)?.valueString;
  const purpose = purposeIn(event);
  const until = detail('until');
  const consent = entity.find(({ type, what }) => type?.code === 'Consent' && what?.reference?.includes('/_history/'));
  const organisations = agent.filter(({ who }) => who?.identifier !== undefined && who.display !== undefined);
  const [requestor, holder] = [organisations[0], organisations.at(-1)];
  return {
    who: whoOf(agent, language),
    organisation: put(requestor?.who?.display) ?? texts.roles.organisation,
    holder: put(holder?.who?.display) ?? texts.roles.organisation,
    count: Number(detail('count') ?? detail('delivered') ?? 0),
    type: put(detail('type') ?? entity.find(({ type }) => type?.code !== '1')?.type?.code ?? '') ?? '',
    purpose: purpose === undefined ? undefined : (texts.purposes[purpose as 'TREAT'] ?? put(purpose)),
    consent: put(consent?.what?.reference?.replace(/^Consent\/(.*)\/_history\//, '$1/')),
    until: until === undefined ? undefined : isolated(timeIn(until, language), language),
    because: put(outcomeDesc),
    restricted: ['delivered', 'withheld'].find((one) => one === detail('restricted')),
    key: put(detail('signed-with')),
    trusted: put(detail('in-trust')),
  };
}

/** The person who did it, or the organisation. */
function whoOf(agents: readonly Agent[], language: Language): string {
  const { roles, somebody } = TEXTS[language];
  const agent =
    agents.find(({ role, requestor }) => role !== undefined && requestor === true) ??
    agents.find(({ requestor }) => requestor === true);
  if (agent === undefined) return roles.organisation;
  const { who, name, role } = agent;
  const isHerself = who?.reference?.startsWith('Patient/') === true;
  const code = isHerself ? 'patient' : (role?.[0]?.coding?.[0]?.code ?? 'organisation');
  const said = roles[WHO.find((one) => one === code) ?? 'organisation'];
  const known = isHerself ? undefined : (name ?? userIn(who) ?? who?.display);
  if (known === undefined) return said;
  return filled(somebody, language, { role: said, name: isolated(plain(known), language) });
}

/** `Practitioner/d1` of an absolute reference; the client where there is no person. */
const userIn = (who: Who | undefined): string | undefined =>
  who?.reference === undefined ? who?.identifier?.value : who.reference.split('/').slice(-2).join('/');

const LONGEST = 120;
/** One line, without controls and without characters that turn the direction of what follows. */
const plain = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .slice(0, LONGEST)
    .toWellFormed();

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;
/** First strong isolate, where the directions of text and value may differ (unicode.org/reports/tr9). */
function isolated(text: string, language: Language): string {
  const isMixed = TEXTS[language].direction === 'rtl' || RIGHT_TO_LEFT.test(text);
  return isMixed ? `\u2068${text}\u2069` : text;
}

export function timeIn(instant: string, language: Language): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return plain(instant);
  const format = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' } as const;
  return `${new Intl.DateTimeFormat(language, format).format(at)} UTC`;
}

const formats = new Map<string, IntlMessageFormat>();

/** A message with what is put into it. */
export function filled(message: string, language: Language, values: Facts): string {
  const name = `${language} ${message}`;
  const known = formats.get(name) ?? new IntlMessageFormat(message, language, undefined, { ignoreTag: true });
  formats.set(name, known);
  return String(known.format(values as Record<string, string | number>));
}

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ESCAPED[sign]!);

/** As the narrative of a resource (hl7.org/fhir/R4/narrative.html). */
export function narrativeOf(resource: Resource, language: Language): { status: 'generated'; div: string } {
  const { direction } = TEXTS[language];
  const attributes = `xmlns="http://www.w3.org/1999/xhtml" lang="${language}" xml:lang="${language}" dir="${direction}"`;
  return { status: 'generated', div: `<div ${attributes}><p>${escaped(lineOf(resource, language))}</p></div>` };
}
