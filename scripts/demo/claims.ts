/** The story's end: from coverage and claim to payment and remittance. */

import { withLinks } from '../load/links.ts';
import { toMinorUnits } from './money.ts';
import { expectThat, type Resource } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

const COVERAGE_PROVIDER = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';
const COST_TYPES = 'http://terminology.hl7.org/CodeSystem/coverage-copay-type';
const COPAY = 20;
const COINSURANCE_PERCENT = 10;

interface Money {
  value: number;
  currency: string;
}

export async function coverageShown(story: Story, narrator: Narrator): Promise<void> {
  const { parties, visit } = story;
  const year = visit.day.slice(0, 4);
  const cost = (code: string) => ({ coding: [{ system: COST_TYPES, code }] });
  const coverage = {
    resourceType: 'Coverage',
    extension: [{ url: COVERAGE_PROVIDER, valueString: 'hospital' }],
    status: 'active',
    beneficiary: { identifier: visit.member },
    period: { start: `${year}-01-01`, end: `${year}-12-31` },
    payor: [{ display: 'payer' }],
    costToBeneficiary: [
      { type: cost('copay'), valueMoney: { value: COPAY, currency: 'USD' } },
      { type: cost('copaypct'), valueQuantity: { value: COINSURANCE_PERCENT, unit: '%' } },
    ],
  };
  const payer = parties.of('payer', 'adjudicator');
  const { body, transactionId } = await payer.write({ method: 'POST', path: '/fhir/R4/Coverage', body: coverage });
  await narrator.wrote(`Coverage/${body.id}`, 'payer', transactionId);
  story.coverageId = body.id;
  await parties.of('hospital', 'system').find({ path: `/fhir/R4/Coverage/${body.id}` }, 'the coverage at the hospital');
}

/** The sample's claim, with the references that the visit was recorded under and the coverage. */
function claimOf({ visit, locations, coverageId }: Story): Record<string, unknown> {
  const insurance = [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverageId}` } }];
  return { ...withLinks(visit.claim, (link) => locations.get(link) ?? link), insurance };
}

interface ClaimResponse extends Resource {
  outcome: string;
  disposition?: string;
  request: { reference: string };
  payment?: { amount: Money };
  total?: { category: { coding?: { code: string }[] }; amount: Money }[];
}

async function submit(story: Story): Promise<{ response: ClaimResponse; claimId: string; transactionId: string }> {
  const hospital = story.parties.of('hospital', 'system');
  const sending = { method: 'POST', path: '/fhir/R4/Claim/$submit', body: claimOf(story) } as const;
  const { body, transactionId } = await hospital.write<ClaimResponse>(sending);
  return { response: body, claimId: body.request.reference.split('/')[1] ?? '', transactionId };
}

export async function claimSubmitted(story: Story, narrator: Narrator): Promise<void> {
  const { response, claimId, transactionId } = await submit(story);
  await narrator.wrote(`Claim/${claimId}`, 'hospital', transactionId);
  const { outcome, disposition } = response;
  expectThat(outcome === 'queued', 'the claim to be taken for adjudication', { outcome, disposition });
  story.claimId = claimId;
  narrator.fact('it passed the edits on both peers; the payer checked the records behind it by their hashes');
}

export async function adjudicated(story: Story, narrator: Narrator): Promise<void> {
  const payer = story.parties.of('payer', 'adjudicator');
  await payer.find({ path: `/fhir/R4/Claim/${story.claimId}` }, 'the claim at the payer');
  const path = `/fhir/R4/Claim/${story.claimId}/$adjudicate`;
  const { body, transactionId } = await payer.write<ClaimResponse>({ method: 'POST', path });
  await narrator.wrote(`ClaimResponse/${body.id}`, 'payer', transactionId);
  expectThat(body.outcome === 'complete', 'a complete adjudication', body.outcome);
  const expected = benefitOf(story);
  const amount = body.payment?.amount;
  const cents = amount === undefined ? undefined : toMinorUnits(amount.value);
  expectThat(cents === expected, `a payment of ${expected} cents`, cents ?? 'none');
  narrator.fact('the payment is what was billed less copay and coinsurance, recomputed by the hospital’s own peer');
}

/** What the payer owes of the claim, in cents: each item less the copay that is left, less the coinsurance, halves up. */
function benefitOf({ visit }: Story): number {
  let copay = COPAY * 100;
  let benefit = 0;
  for (const { net } of visit.claim['item'] as { net: Money }[]) {
    const billed = toMinorUnits(net.value);
    const part = Math.min(copay, billed);
    copay -= part;
    benefit += billed - part - Math.floor(((billed - part) * COINSURANCE_PERCENT + 50) / 100);
  }
  return benefit;
}

export async function duplicateCaught(story: Story, narrator: Narrator): Promise<void> {
  const { response, claimId, transactionId } = await submit(story);
  await narrator.wrote(`Claim/${claimId}`, 'hospital', transactionId);
  const { outcome, disposition = '' } = response;
  expectThat(outcome === 'error' && disposition.includes('duplicate'), 'the second claim to be denied', {
    outcome,
    disposition,
  });
  story.deniedClaimId = claimId;
  narrator.fact(`recorded, and ${disposition}`);
}

interface Payment extends Resource {
  detail?: { request?: { reference?: string }; amount: Money }[];
  paymentAmount: Money;
}

interface Page<T> {
  entry?: { resource: T }[];
}

/** The PaymentReconciliation of the story's claim, as soon as an organisation holds it. */
async function paymentAt(story: Story, organisation: string, role: 'settlement' | 'system'): Promise<Payment> {
  const claim = `Claim/${known(story.claimId, 'claim')}`;
  const ofClaim = (payment: Payment) => (payment.detail ?? []).some(({ request }) => request?.reference === claim);
  const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${encodeURIComponent(story.startedAt)}&_count=1000`;
  const found = (page: Page<Payment>) => (page.entry ?? []).map(({ resource }) => resource).find(ofClaim);
  const party = story.parties.of(organisation, role);
  const page = await party.find<Page<Payment>>({ path }, `the payment at the ${organisation}`, (body) => !!found(body));
  return known(found(page), 'payment');
}

export async function paid(story: Story, narrator: Narrator): Promise<void> {
  const payment = await paymentAt(story, 'bank', 'settlement');
  story.paymentId = payment.id;
  const instructed = await story.parties.of('bank', 'settlement').read(`PaymentReconciliation/${payment.id}`);
  await narrator.wrote(
    `the payer's instruction: PaymentReconciliation/${payment.id}`,
    'bank',
    instructed.transactionId,
  );
  const body = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'reference', valueString: `TRANSFER-${payment.id.slice(0, 8)}` },
      { name: 'paidOn', valueDate: new Date().toISOString().slice(0, 10) },
    ],
  };
  const path = `/fhir/R4/PaymentReconciliation/${payment.id}/$settle`;
  const notice = await story.parties.of('bank', 'settlement').write({ method: 'POST', path, body });
  expectThat(notice.body.resourceType === 'PaymentNotice', 'a PaymentNotice', notice.body.resourceType);
  await narrator.wrote(`the bank's notice: PaymentNotice/${notice.body.id}`, 'bank', notice.transactionId);
}

export async function remitted(story: Story, narrator: Narrator): Promise<void> {
  const remittance = await paymentAt(story, 'hospital', 'system');
  const total = toMinorUnits(remittance.paymentAmount.value);
  const details = (remittance.detail ?? []).map(({ amount }) => toMinorUnits(amount.value));
  const sum = details.reduce((one, other) => one + other, 0);
  expectThat(total === sum && total === benefitOf(story), 'the details to add up to what was adjudicated', {
    total,
    sum,
  });
  const hospital = story.parties.of('hospital', 'system');
  const { transactionId } = await hospital.read(`PaymentReconciliation/${remittance.id}`);
  await narrator.wrote(`the remittance: PaymentReconciliation/${remittance.id}`, 'hospital', transactionId);
  narrator.fact('its details add up to what was adjudicated');
}
