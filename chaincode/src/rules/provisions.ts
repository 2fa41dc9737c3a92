/**
 * Whether one provision of a consent speaks about one record asked for by one requestor. Where a record, or whoever asks,
 * does not say what a criterion asks, a denying provision takes it as met and a permitting one as not met.
 * @see https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
 */
import {
  type Code,
  classKind,
  DECIDED_ACTIONS,
  isAction,
  isLevel,
  isPurpose,
  isSensitivityCode,
} from '../model/consent-codes.ts';
import { contains, overlaps, spanOfPeriod, within } from '../model/periods.ts';
import { BREAK_GLASS, coversPurpose } from '../model/purposes.ts';
import type { RecordFacts } from '../model/record-facts.ts';
import { coversSensitivity, rankOf } from '../model/security-labels.ts';
import { meetsActors } from './consent-actors.ts';
import type { Data, Provision, Question } from './consent-content.ts';
import { isAbout } from './named-data.ts';

type Criterion = (provision: Provision, question: Question) => boolean;

const CRITERIA: Record<string, Criterion> = {
  period: ({ period }, { now, denies }) => {
    const span = spanOfPeriod(period);
    return span === undefined ? denies : contains(span, now);
  },
  actor: ({ actor = [] }, question) => meetsActors(actor, question),
  action: ({ action = [] }, { denies }) =>
    action.some(({ coding = [] }) => {
      if (!coding.some(isAction)) return denies;
      return coding.some(({ code }) => DECIDED_ACTIONS.includes(code ?? ''));
    }),
  securityLabel: ({ securityLabel = [] }, { record, denies }) => meetsLabels(securityLabel, record.labels, denies),
  purpose: ({ purpose = [] }, { request, denies }) =>
    purpose.some((named) => (isPurpose(named) ? coversPurpose(named.code ?? '', request.purpose) : denies)),
  class: (provision, { record, denies }) => (provision.class ?? []).some((wanted) => isOfClass(wanted, record, denies)),
  code: ({ code = [] }, { record, denies }) =>
    code.some(({ coding = [] }) =>
      coding.length === 0
        ? denies
        : coding.some((wanted) => record.codes.some((found) => isCoding(wanted, found, denies))),
    ),
  dataPeriod: ({ dataPeriod }, { record, denies }) => {
    const span = spanOfPeriod(dataPeriod);
    if (span === undefined || record.span === undefined) return denies;
    return denies ? overlaps(record.span, span) : within(record.span, span);
  },
  data: ({ data = [] }, question) => data.some((one) => isData(one, question)),
};

/** The names of the criteria that are not met; a provision applies when there are none. */
export function unmetCriteria(provision: Provision, question: Question, names: readonly string[]): string[] {
  return names.filter((name) => {
    const criterion = CRITERIA[name];
    return criterion === undefined ? !question.denies : !criterion(provision, question);
  });
}

/** Nothing that does not name breaking the glass says anything of it. */
export const namesBreakGlass = ({ purpose = [] }: Provision): boolean =>
  purpose.some(({ code }) => code === BREAK_GLASS);

/** A coding that states no system means the code in any: a consent's always, a record's where it is to be denied. */
const isCoding = (wanted: Code, found: Code, denies: boolean): boolean =>
  wanted.code !== undefined &&
  wanted.code === found.code &&
  (wanted.system === undefined || wanted.system === found.system || (denies && found.system === undefined));

function isOfClass(wanted: Code, record: RecordFacts, denies: boolean): boolean {
  const { code = '' } = wanted;
  switch (classKind(wanted)) {
    case 'type':
      return record.type === code;
    case 'profile':
      return record.profiles.some((found) => isProfile(code, found, denies));
    case 'media':
      return record.media.includes(code.toLowerCase());
    case 'coding':
      return record.classes.some((found) => isCoding(wanted, found, denies));
    default:
      return denies || record.classes.some((found) => isCoding(wanted, found, denies));
  }
}

/** A canonical without a version is of every version; where one of both states none, a denial takes them for the same. */
function isProfile(wanted: string, found: string, denies: boolean): boolean {
  const [[url, version], [other, its]] = [wanted.split('|'), found.split('|')];
  return url === other && (version === undefined || version === its || (denies && its === undefined));
}

const NORMAL = rankOf('N');
const RESTRICTED = rankOf('R');

/**
 * What is sensitive is at least restricted, whether it is labelled so or not (hl7.org/fhir/R4/v3/Confidentiality/cs.html). The
 * codes of levels and sensitivities under other systems, such as HL7's OIDs, raise it too, and nothing lowers it.
 */
function rankOfRecord(labels: readonly Code[]): number {
  const stated = labels.filter(isLevel).map(({ code }) => rankOf(code ?? ''));
  const elsewhere = labels.filter((label) => !isLevel(label) && isLevel({ code: label.code }));
  const implied = labels.some(({ code }) => isSensitivityCode({ code })) ? [RESTRICTED] : [];
  const ranks = [...stated, ...elsewhere.map(({ code }) => Math.max(NORMAL, rankOf(code ?? ''))), ...implied];
  return ranks.length === 0 ? NORMAL : Math.max(...ranks);
}

/**
 * Confidentiality is a high-water mark: a permission for R covers R and less; a denial of R covers R and more. A sensitivity
 * covers what is labelled with it or with a kind of it.
 */
function meetsLabels(wanted: readonly Code[], labels: readonly Code[], denies: boolean): boolean {
  const marks = wanted.filter(isLevel).map(({ code }) => rankOf(code ?? ''));
  const rank = rankOfRecord(labels);
  const isMarked = denies ? rank >= Math.min(...marks) : rank <= Math.max(...marks);
  const others = wanted.filter((label) => !isLevel(label));
  const isLabelled = others.some((label) => labels.some((found) => isSensitive(label, found, denies)));
  if (denies) return (marks.length > 0 && isMarked) || isLabelled;
  return (marks.length === 0 || isMarked) && (others.length === 0 || isLabelled);
}

function isSensitive(wanted: Code, found: Code, denies: boolean): boolean {
  if (!isSensitivityCode(wanted)) return denies || isCoding(wanted, found, denies);
  const isOne = isSensitivityCode(found) || (denies && isSensitivityCode({ code: found.code }));
  return isOne && coversSensitivity(wanted.code ?? '', found.code ?? '', denies);
}

/** @see https://hl7.org/fhir/R4/valueset-consent-data-meaning.html */
function isData({ meaning, reference }: Data, { request, record, denies }: Question): boolean {
  const target = reference?.reference;
  return target === undefined ? denies : isAbout(record, { meaning, target, holder: request.holder, denies });
}
