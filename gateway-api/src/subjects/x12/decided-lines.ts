/**
 * A claim next to its payer's decision, in the terms of an 835: for each line what is billed, what is paid, and by which of X12's groups
 * and reasons it is less. `charge = paid + Σ adjustments` holds for each line, of older decisions too, which say their reasons less well.
 */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Amount, parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import type { Persons } from './persons.ts';

const REASONS = 'https://x12.org/codes/claim-adjustment-reason-codes';
const GROUPS = 'https://x12.org/codes/claim-adjustment-group-codes';
const CATEGORIES = 'http://terminology.hl7.org/CodeSystem/adjudication';

/** Minor units. */
export interface Adjustment {
  /** CO, PR, OA, PI. */
  group: string;
  /** CARC. */
  code: string;
  units: number;
}

/** A line of a claim as it was decided; minor units. */
export interface DecidedLine {
  sequence: number;
  charge: number;
  paid: number;
  allowed: number;
  adjustments: Adjustment[];
  /** As it was billed. */
  item: Members;
}

/** A claim as it was decided; minor units. */
export interface DecidedClaim {
  id: string;
  claim: Resource;
  response: Resource;
  /** ISO 8601 UTC: when the payer had it. */
  submittedAt: string;
  /** The member's number with the payer, where the coverage has one. */
  member: string | undefined;
  /** Who is named, where they are known here. */
  persons?: Persons | undefined;
  currency: string;
  charge: number;
  paid: number;
  lines: DecidedLine[];
}

type Members = Record<string, unknown>;

const codingsOf = (concept: unknown): Members[] => objectsOf((concept as { coding?: unknown } | undefined)?.coding);

/** The code of a concept in a code system; undefined where it has none. */
export function codeIn(concept: unknown, system: string): string | undefined {
  const code = codingsOf(concept).find((one) => one['system'] === system)?.['code'];
  return typeof code === 'string' ? code : undefined;
}

/** What it is read from. */
export type Decided = Pick<DecidedClaim, 'id' | 'claim' | 'response' | 'submittedAt' | 'member' | 'persons'>;

/** @throws LedgerError INVALID where an amount is none */
export function decidedClaim(decided: Decided): DecidedClaim {
  const { claim, response } = decided;
  const items = objectsOf(claim['item']);
  const decisions = objectsOf(response['item']).map((decided) => {
    const item = items.find(({ sequence }) => sequence === decided['itemSequence']) ?? {};
    return lineOf(Number(decided['itemSequence']), decided, item);
  });
  const lines = decisions.map(({ line }) => line);
  const sum = (of: (line: DecidedLine) => number): number => lines.reduce((all, line) => all + of(line), 0);
  return {
    ...{ ...decided, lines, currency: decisions[0]?.currency ?? '' },
    ...{ charge: sum(({ charge }) => charge), paid: sum(({ paid }) => paid) },
  };
}

function lineOf(sequence: number, decided: Members, item: Members): { line: DecidedLine; currency: string } {
  const adjudication = objectsOf(decided['adjudication']);
  const amountOf = (one: Members | undefined): Amount | undefined =>
    one && parseMoney(one['amount'], `ClaimResponse.item.where(itemSequence=${sequence}).adjudication.amount`);
  const unitsOf = (category: string): number =>
    amountOf(adjudication.find((one) => codeIn(one['category'], CATEGORIES) === category))?.units ?? 0;
  const [charge, paid, allowed] = [unitsOf('submitted'), unitsOf('benefit'), unitsOf('eligible')];
  const stated = adjudication.flatMap((one): Adjustment[] => {
    const [group, code] = [codeIn(one['reason'], GROUPS), codeIn(one['reason'], REASONS)];
    const units = amountOf(one)?.units ?? 0;
    return group === undefined || code === undefined || units === 0 ? [] : [{ group, code, units }];
  });
  const shares = { deductible: unitsOf('deductible'), copay: unitsOf('copay') };
  const adjustments = balanced(stated, charge - paid, shares);
  const currency = amountOf(adjudication.find((one) => one['amount'] !== undefined))?.currency ?? '';
  return { line: { sequence, charge, paid, allowed, adjustments, item }, currency };
}

/** What is stated, or where that does not come to it, what the categories come to. */
function balanced(
  stated: Adjustment[],
  units: number,
  { deductible, copay }: { deductible: number; copay: number },
): Adjustment[] {
  if (stated.reduce((sum, one) => sum + one.units, 0) === units) return stated;
  const contractual = units - deductible - copay;
  return [
    { group: 'CO', code: '45', units: contractual },
    { group: 'PR', code: '1', units: deductible },
    { group: 'PR', code: '3', units: copay },
  ].filter((one) => one.units !== 0);
}
