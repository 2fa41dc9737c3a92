/** The claims that a question means: by the payer's number, else by the provider's, else by member, days and charge. */
import { readBill } from '@telemed-ledger/chaincode/model/bill.ts';
import { type Decimal, decimalOf, exponentOf } from '@telemed-ledger/chaincode/model/money.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import type { Services } from '../services.ts';
import type { DecidedClaim } from './decided-lines.ts';
import { coveragesNumbered, patientsCovered } from './members.ts';
import type { StatusQuestion } from './questions-276.ts';
import { RemittanceSources } from './remittance-sources.ts';
import { CONTROL_NUMBERS } from './terms.ts';

/** Claims that one question is answered with. */
const MOST = 100;

export interface MeantClaim {
  state: ClaimState;
  claim: DecidedClaim['claim'];
  /** Minor units, of all lines. */
  charge: number;
  currency: string;
  /** YYYY-MM-DD */
  first: string;
  last: string;
  /** The decision that counts; undefined where there is none. */
  decided: DecidedClaim | undefined;
}

type Asking = Pick<Services, 'index' | 'organisation' | 'consortium' | 'x12Parties'>;

/**
 * Of this member's alone, and of the payer and the provider that the question names: of others' nothing is said. Undefined at a payer,
 * which knows no patients, of a question that names neither claim nor account.
 */
export async function claimsMeant(question: StatusQuestion, services: Asking): Promise<MeantClaim[] | undefined> {
  const isNamed = question.claim !== undefined || question.account !== undefined;
  if (!isNamed && services.organisation.kind === 'payer') return undefined;
  const sources = new RemittanceSources(services);
  const meant: MeantClaim[] = [];
  for (const id of await candidates(question, services)) {
    const row = await services.index.state('claim', id);
    if (row === undefined) continue;
    const state = claimStateSchema.parse(JSON.parse(row.value));
    if (!isBetween(question, state, services)) continue;
    const { claim, member } = await sources.billed(state);
    if (member !== question.member) continue;
    const { decisions } = await sources.history(id);
    const one = { state, claim, ...billOf(claim), decided: [...decisions.values()].at(-1) };
    if (isAsked(question, one)) meant.push(one);
    if (meant.length >= MOST) break;
  }
  return meant;
}

async function candidates({ claim, account, member }: StatusQuestion, { index }: Asking): Promise<string[]> {
  if (claim !== undefined) return [claim];
  if (account !== undefined)
    return (await index.findByIdentifier([{ type: 'Claim', system: CONTROL_NUMBERS, value: account }])).flat();
  const ids = new Set<string>();
  for (const coverage of await coveragesNumbered(member, index)) {
    const patients = await patientsCovered(coverage, index);
    if (patients.length === 0) continue;
    for (const { resource } of (await index.search({ type: 'Claim', patients, count: MOST * 10 })).matches)
      ids.add(resource.id);
  }
  return [...ids];
}

/** Who is named by a member's name, or by an NPI that X12_PARTIES gives to a member, is that one; other numbers say nothing here. */
function isBetween(question: StatusQuestion, { payer, provider }: ClaimState, services: Asking): boolean {
  const { organisation, consortium, x12Parties } = services;
  const npis = Object.entries(x12Parties).flatMap(([name, { npi }]) => (npi === question.provider ? [name] : []));
  const payers = consortium.organisations.flatMap(({ name }) => (name === question.payer ? [name] : []));
  return (
    [payer, provider].includes(organisation.name) &&
    (payers.length === 0 || payers.includes(payer)) &&
    (npis.length === 0 || npis.includes(provider))
  );
}

function billOf(claim: DecidedClaim['claim']): Pick<MeantClaim, 'charge' | 'currency' | 'first' | 'last'> {
  const { items, currencies } = readBill(claim);
  const days = items.flatMap(({ first, last }) => [first, last]).sort();
  const charge = items.reduce((sum, { billed }) => sum + billed, 0);
  return { charge, currency: currencies[0] ?? '', first: days[0] ?? '', last: days.at(-1) ?? '' };
}

/** A claim that is named by nothing must be of the days and the charge that are asked for. */
function isAsked({ claim, account, served, charge }: StatusQuestion, one: MeantClaim): boolean {
  if (claim !== undefined || account !== undefined) return true;
  const isThen = served === undefined || (one.first <= served.last && one.last >= served.first);
  return isThen && (charge === undefined || isSame(decimalOf(charge), one));
}

function isSame(asked: Decimal | undefined, { charge, currency }: MeantClaim): boolean {
  if (asked === undefined) return false;
  return asked.digits * 10n ** BigInt(exponentOf(currency) ?? 0) === BigInt(charge) * 10n ** BigInt(asked.scale);
}
