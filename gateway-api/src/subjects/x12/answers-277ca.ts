/** What became of the claims of an 837, as a 277 for claims (277CA, 005010X214). Whom it names it names as the 837 did. Pure. */
import { amountText, centsOf, serviceDates } from './claim-elements.ts';
import type { Claim837, Names } from './claims-837.ts';
import { saidAgain } from './levels.ts';
import type { Segment } from './segments.ts';
import { compactDay, type Written } from './writing.ts';

/** A claim of the file, and whether it is on the ledger. */
export interface Received {
  read: Claim837;
  /** The payer's number for it; undefined where it was not taken. */
  claim: string | undefined;
  /** The gateway failed at it: what is sent again may be taken. */
  isOpen: boolean;
}

const CURRENCY = 'USD';
/** STC01 of all received, of one that was taken, of one whose data is wrong, and of one that could not be looked at. */
const [RECEIVED, TAKEN, WRONG, OPEN] = [
  ['A1', '19', 'PR'],
  ['A2', '20'],
  ['A7', '21'],
  ['A3', '0'],
] as const;
const NAME = [1, 2, 3, 4, 5, 8, 9];

/** The segments between ST and SE, of the claims of one submission. @param now ISO 8601 UTC @param number of the acknowledgment */
export function answer277Ca(
  received: readonly Received[],
  { now, number }: { now: string; number: string },
): Written[] {
  const time = now.slice(11, 16).replace(':', '');
  const levels = new Levels();
  const all = [...byName(received, ({ payer }) => payer)].flatMap(([, ofPayer]) =>
    payerLevel(ofPayer, levels, { now, number }),
  );
  return [['BHT', '0085', '08', number, compactDay(now), time, 'TH'], ...all];
}

/** Numbers levels, each below the one that is given. */
class Levels {
  #last = 0;

  next(parent: string, code: string, hasChildren: boolean): { id: string; written: Written } {
    this.#last += 1;
    const id = String(this.#last);
    const below = code === 'PT' ? [] : [hasChildren ? '1' : '0'];
    return { id, written: ['HL', id, parent, code, ...below] };
  }
}

/** Claims by one of the names that stand above them. */
const byName = (received: readonly Received[], of: (names: Names) => Segment | undefined) =>
  Map.groupBy(received, ({ read: { names } }) => of(names)?.elements.join('*') ?? '');

interface When {
  now: string;
  number: string;
}

function payerLevel(received: readonly Received[], levels: Levels, when: When): Written[] {
  const { id, written } = levels.next('', '20', true);
  const { names } = received[0]!.read;
  const day = compactDay(when.now);
  return [
    written,
    named(names.payer, 'PR', '2', [1, 2, 3, 8, 9]),
    ['TRN', '1', when.number],
    ['DTP', '050', 'D8', day],
    ['DTP', '009', 'D8', day],
    ...[...byName(received, ({ submitter }) => submitter)].flatMap(([, own]) => submitterLevel(own, id, levels, day)),
  ];
}

function submitterLevel(received: readonly Received[], parent: string, levels: Levels, day: string): Written[] {
  const { id, written } = levels.next(parent, '21', true);
  const { submitter, reference } = received[0]!.read.names;
  return [
    written,
    named(submitter, '41', '2', NAME),
    ['TRN', '2', reference],
    ['STC', RECEIVED, day, 'WQ', amountOf(received)],
    ...counted(received, '90', 'AA'),
    ...[...byName(received, ({ billing }) => billing)].flatMap(([, own]) => providerLevel(own, id, levels, day)),
  ];
}

function providerLevel(received: readonly Received[], parent: string, levels: Levels, day: string): Written[] {
  const { id, written } = levels.next(parent, '19', true);
  return [
    written,
    named(received[0]!.read.names.billing, '85', '2', NAME),
    ['TRN', '1', '0'],
    ['STC', RECEIVED, '', 'WQ', amountOf(received)],
    ...counted(received, 'QA', 'QC'),
    ...received.flatMap((one) => claimLevel(one, id, levels, day)),
  ];
}

function claimLevel({ read, claim, isOpen }: Received, parent: string, levels: Levels, day: string): Written[] {
  const isTaken = claim !== undefined;
  const code = isTaken ? TAKEN : isOpen ? OPEN : WRONG;
  const served = read.served ?? read.lines[0]?.served;
  const patient = named(read.names.patient, 'QC', '1', [2, 3, 4, 5, 8, 9]);
  return [
    levels.next(parent, 'PT', false).written,
    [patient[0], 'QC', ...patient.slice(2)] as unknown as Written,
    ['TRN', '2', read.controlNumber],
    ['STC', code, day, isTaken ? 'WQ' : 'U', amountText(centsOf(read.charge), CURRENCY)],
    ...(isTaken ? [['REF', '1K', claim] as const] : []),
    ...(served === undefined ? [] : [serviceDates(served)]),
  ];
}

/** A name said again; where the file has none, what it is alone. */
const named = (segment: Segment | undefined, qualifier: string, kind: string, places: readonly number[]): Written =>
  segment === undefined ? ['NM1', qualifier, kind] : saidAgain(segment, places);

const amountOf = (received: readonly Received[]): string =>
  amountText(
    received.reduce((sum, { read }) => sum + centsOf(read.charge), 0),
    CURRENCY,
  );

/** How many were taken and how many not, and for how much. @param taken @param refused qualifiers of QTY */
function counted(received: readonly Received[], taken: string, refused: string): Written[] {
  const ours = received.filter(({ claim }) => claim !== undefined);
  const others = received.filter(({ claim }) => claim === undefined);
  const quantities = [
    [taken, ours],
    [refused, others],
  ] as const;
  const amounts = [
    ['YU', ours],
    ['YY', others],
  ] as const;
  const some = <T>(all: readonly (readonly [T, readonly Received[]])[]) => all.filter(([, own]) => own.length > 0);
  return [
    ...some(quantities).map(([code, own]): Written => ['QTY', code, String(own.length)]),
    ...some(amounts).map(([code, own]): Written => ['AMT', code, amountOf(own)]),
  ];
}
