/**
 * What a plan says of a day's services, as items of a CoverageEligibilityResponse (hl7.org/fhir/R4/coverageeligibilityresponse.html).
 * What has been used of it is the payer's to say: it alone holds that.
 */
import { planYearOf, type Sums, usedBy } from '@telemed-ledger/chaincode/model/accumulators.ts';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { readCover } from '@telemed-ledger/chaincode/model/coverage.ts';
import { inForceOn } from '@telemed-ledger/chaincode/model/dated.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { type Decimal, toMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import {
  type Category,
  type Costs,
  type Limits,
  type PlanRecord,
  type PlanTerms,
  planNameSchema,
  readPlan,
} from '@telemed-ledger/chaincode/model/plans.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Services } from '../services.ts';
import { usedByFamily, usedOf } from './plans.ts';

type Asking = Pick<Services, 'index' | 'organisation'>;
type Benefit = Record<string, unknown>;

const BENEFITS = 'http://terminology.hl7.org/CodeSystem/benefit-type';
const CATEGORIES = 'http://terminology.hl7.org/CodeSystem/ex-benefitcategory';
const NETWORKS = 'http://terminology.hl7.org/CodeSystem/benefit-network';
const TERMS = 'http://terminology.hl7.org/CodeSystem/benefit-term';
const OF_FAMILY = {
  unit: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/benefit-unit', code: 'family' }] },
};
/** X12's service type of a plan as a whole. */
export const ALL_SERVICES = { coding: [{ system: CATEGORIES, code: '30' }] };
export const benefitType = (code: string) => ({ type: { coding: [{ system: BENEFITS, code }] } });

/**
 * The items of a coverage whose plan is known here; undefined where it names none, so that its own costs count.
 * @param day YYYY-MM-DD; the plan year it is in is told of
 */
export async function planItems(coverage: Resource, day: string, asking: Asking): Promise<object[] | undefined> {
  const terms = await termsOn(coverage, day, asking);
  if (terms === undefined) return undefined;
  const { index, organisation } = asking;
  if (organisation.kind !== 'payer') return itemsOf(terms, undefined, undefined);
  const used = await usedOf(index, organisation.name, coverage.id, planYearOf(day));
  return itemsOf(terms, used, await usedByFamily(index, organisation.name, coverage, day));
}

async function termsOn(coverage: Resource, day: string, asking: Asking): Promise<PlanTerms | undefined> {
  const { evidence } = asking.index;
  const own = collections.billing(asking.organisation.name);
  for (const name of readCover(coverage).plans) {
    const id = await planNamed(name, own, asking);
    if (id === undefined) continue;
    const newest = await evidence.newest(own, privateKeys.plan(id, 0).slice(0, -1));
    const record = await recordOf(id, newest, own, asking);
    const version = record && inForceOn(record.versions, day)?.version;
    const inForce = version === newest || version === undefined ? record : await recordOf(id, version, own, asking);
    return version === undefined || inForce === undefined ? undefined : readPlan(inForce.resource, version);
  }
  return undefined;
}

async function recordOf(id: string, version: number, own: string, { index }: Asking): Promise<PlanRecord | undefined> {
  const text = version === 0 ? undefined : await index.evidence.text(own, privateKeys.plan(id, version));
  return text === undefined ? undefined : (parseExact(text) as PlanRecord);
}

/** Id of the plan that a coverage means; at a provider, of those that it is shown, the one of that id or identifier. */
async function planNamed(name: string, own: string, { index, organisation }: Asking): Promise<string | undefined> {
  if (organisation.kind === 'payer') {
    const text = await index.evidence.text(own, privateKeys.planName(organisation.name, sha256Hex(name)));
    return text === undefined ? undefined : planNameSchema.parse(JSON.parse(text)).plan;
  }
  const [ids = []] = await index.findByIdentifier([{ type: 'InsurancePlan', value: name }]);
  const isId = (await index.newestRow('InsurancePlan', name)) !== undefined;
  return isId ? name : ids.length === 1 ? ids[0] : undefined;
}

function itemsOf(terms: PlanTerms, used: Sums | undefined, byFamily: Sums | undefined): object[] {
  const currency = terms.currency ?? '';
  const money = (units: number) => toMoney({ units, currency });
  const ofPerson = generalOf(terms.person, used, money);
  const ofFamily = generalOf(terms.family ?? {}, byFamily, money);
  return [
    ...(ofPerson.length === 0 ? [] : [{ category: ALL_SERVICES, ...yearly, benefit: ofPerson }]),
    ...(ofFamily.length === 0 ? [] : [{ category: ALL_SERVICES, ...OF_FAMILY, ...yearly, benefit: ofFamily }]),
    ...terms.categories.flatMap((category) => categoryItems(category, { used, money, terms })),
  ];
}

/** What is paid out of pocket before and at most, by a person or a family. */
function generalOf(limits: Limits, used: Sums | undefined, money: (units: number) => object): Benefit[] {
  const benefit = (code: string, most: number | undefined, taken: number | undefined): Benefit[] => {
    if (most === undefined) return [];
    const met = taken === undefined ? {} : { usedMoney: money(Math.min(taken, most)) };
    return [{ ...benefitType(code), allowedMoney: money(most), ...met }];
  };
  const { deductible, outOfPocketMaximum } = limits;
  return [
    ...benefit('deductible', deductible === 0 ? undefined : deductible, used?.deductible),
    ...benefit('copay-maximum', outOfPocketMaximum, used?.outOfPocket),
  ];
}

const yearly = { term: { coding: [{ system: TERMS, code: 'annual' }] } };

interface Telling {
  used: Sums | undefined;
  money: (units: number) => object;
  terms: PlanTerms;
}

/** One in the network, and where the plan has one, one out of it. */
function categoryItems(category: Category, telling: Telling): object[] {
  const { name, isExcluded, needsAuthorization } = category;
  const said = {
    ...{ category: { coding: [{ system: CATEGORIES, code: name }], text: name }, name },
    ...(isExcluded ? { excluded: true } : {}),
    ...(needsAuthorization ? { authorizationRequired: true } : {}),
  };
  if (isExcluded) return [said];
  const hasNetwork = telling.terms.network !== undefined;
  const limits = limitsOf(category, telling);
  const item = (code: string | undefined, costs: Costs | undefined): object => {
    const benefit = [...limits, ...(costs === undefined ? [] : costsOf(costs, telling))];
    const network = code === undefined ? {} : { network: { coding: [{ system: NETWORKS, code }] } };
    return { ...said, ...network, ...yearly, ...(benefit.length === 0 ? {} : { benefit }) };
  };
  if (!hasNetwork) return [item(undefined, category.inNetwork)];
  return [
    item('in', category.inNetwork),
    ...(category.outOfNetwork === undefined ? [] : [item('out', category.outOfNetwork)]),
  ];
}

function limitsOf({ name, maxUnits, maxAmount }: Category, { used, money }: Telling): Benefit[] {
  const taken = used && usedBy(used, name);
  return [
    ...(maxUnits === undefined
      ? []
      : [
          {
            ...{ ...benefitType('visit'), allowedUnsignedInt: maxUnits },
            ...(taken === undefined ? {} : { usedUnsignedInt: Math.min(taken.units, maxUnits) }),
          },
        ]),
    ...(maxAmount === undefined
      ? []
      : [
          {
            ...{ ...benefitType('benefit'), allowedMoney: money(maxAmount) },
            ...(taken === undefined ? {} : { usedMoney: money(Math.min(taken.amount, maxAmount)) }),
          },
        ]),
  ];
}

function costsOf({ copay, coinsurance }: Costs, { money }: Telling): Benefit[] {
  return [
    ...(copay === 0 ? [] : [{ ...benefitType('copay'), allowedMoney: money(copay) }]),
    ...(coinsurance === undefined
      ? []
      : [{ ...benefitType('copay-percent'), allowedString: `${percentText(coinsurance)} %` }]),
  ];
}

function percentText({ digits, scale }: Decimal): string {
  const text = String(digits).padStart(scale + 1, '0');
  return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
