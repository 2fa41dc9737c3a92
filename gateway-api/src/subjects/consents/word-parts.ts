/** Parts of the sentences that tell what a consent says: which data, for what, and for how long. */
import type { Named } from '@telemed-ledger/chaincode/model/actors.ts';
import { isLevel } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { BREAK_GLASS, PURPOSES } from '@telemed-ledger/chaincode/model/purposes.ts';
import { LEVELS, SENSITIVITIES } from '@telemed-ledger/chaincode/model/security-labels.ts';

export type Effect = 'permit' | 'deny';

/** A provision as R4 has it; what is not read of it is refused when a consent is given. */
export interface Provision {
  type?: string;
  period?: { start?: string; end?: string };
  actor?: { role?: { coding?: Coding[]; text?: string }; reference?: Named }[];
  purpose?: Coding[];
  class?: Coding[];
  code?: { coding?: Coding[]; text?: string }[];
  securityLabel?: Coding[];
  dataPeriod?: { start?: string; end?: string };
  data?: { meaning?: string; reference?: { reference?: string } }[];
  provision?: Provision[];
}

export interface Coding {
  system?: string;
  code?: string;
  display?: string;
}

/** Which of a provider's records a provision is about. */
export function dataWords(provision: Provision, holder: string): string {
  const { class: classes = [], code = [], securityLabel = [], data = [], dataPeriod } = provision;
  const kinds = classes.map(classWords);
  const narrowed = [
    ...(code.length === 0 ? [] : [`that hold ${anyOf(code.map(conceptWords))}`]),
    ...(securityLabel.length === 0 ? [] : [`labelled ${labelWords(securityLabel, provision.type)}`]),
    ...(data.length === 0 ? [] : [`that are ${anyOf(data.map(recordWords))}`]),
    ...(dataPeriod === undefined ? [] : [`of the time ${boundsWords(dataPeriod)}`]),
  ];
  if (kinds.length === 0 && narrowed.length === 0) return `everything that ${holder} holds`;
  const what = kinds.length === 0 ? 'records' : `records of the kind ${anyOf(kinds)}`;
  return [`those ${what} of ${holder}`, ...narrowed].join(' ');
}

const anyOf = (all: readonly string[]): string =>
  all.length < 2 ? (all[0] ?? '') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;

const classWords = ({ code = '', display }: Coding): string => (display === undefined ? code : `${code} (${display})`);

const conceptWords = ({ coding = [], text }: NonNullable<Provision['code']>[number]): string =>
  anyOf(coding.map(({ code = '', display = text }) => (display === undefined ? code : `${code} (${display})`)));

/** Levels are a high-water mark: a permission is of so much and less, a denial of so much and more. */
function labelWords(labels: readonly Coding[], type: string | undefined): string {
  return anyOf(
    labels.map((label) => {
      const { code = '' } = label;
      if (!isLevel(label)) return `${code} (${SENSITIVITIES.get(code)?.display ?? code}) or a kind of it`;
      return `${code} (${LEVELS.get(code) ?? code}) or ${type === 'permit' ? 'less' : 'more'} confidential`;
    }),
  );
}

const MEANINGS: Readonly<Record<string, (target: string) => string>> = {
  instance: (target) => target,
  related: (target) => `${target} or related to it`,
  dependents: (target) => `${target} or refer to it`,
  authoredby: (target) => `authored by ${target}`,
};

const recordWords = ({ meaning = '', reference }: NonNullable<Provision['data']>[number]): string =>
  (MEANINGS[meaning] ?? ((target: string) => target))(reference?.reference ?? 'an unnamed record');

/** A purpose covers what is a kind of it, but for breaking the glass, of which only its name says anything. */
export function purposeWords(purpose: readonly Coding[] | undefined, effect: Effect): string {
  if (purpose === undefined) return effect === 'permit' ? 'for any purpose' : 'for any purpose but breaking the glass';
  const told = purpose.map(({ code = '' }) => `${PURPOSES.get(code)?.display ?? code} (${code})`);
  const isWide = purpose.some(({ code }) => code !== BREAK_GLASS);
  return `for ${anyOf(told)}${isWide ? ' or a kind of it' : ''}`;
}

/** From when until when; without an end a consent holds until it is revoked. */
export function spanWords(period: Provision['period'], effect: Effect): string {
  if (period === undefined || (period.start === undefined && period.end === undefined)) return 'until this is revoked';
  const { start, end } = period;
  const from = start === undefined ? '' : `from ${start} `;
  const until = end === undefined ? 'until this is revoked' : endWords(end);
  return `${from}${until}${effect === 'permit' && end !== undefined ? ', if this is not revoked before' : ''}`;
}

/** A day is meant whole. */
const endWords = (end: string): string => (end.includes('T') ? `until ${end}` : `until ${end}, which is included`);

function boundsWords({ start, end }: NonNullable<Provision['dataPeriod']>): string {
  const from = start === undefined ? '' : `from ${start}`;
  return [from, end === undefined ? '' : endWords(end)].filter((part) => part !== '').join(' ');
}
