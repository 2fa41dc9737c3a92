/**
 * What nobody may block who is not concerned: acts that go through whichever other organisation is dead, paused or
 * unwilling, with what each of them needs beforehand. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { accessAllowed, consentGranted, granted } from '@telemed-ledger/scripts/demo/access.ts';
import { claimSubmitted, coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Parties, Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { known, type Narrator, type Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';

export const ORGANISATIONS = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];
const mspIdOf = (organisation: string): string => `${organisation[0]?.toUpperCase()}${organisation.slice(1)}MSP`;

const NARROW = 'Condition';
const PHYSICIAN = `Practitioner/${randomUUID()}`;
const LICENCE = randomUUID().slice(0, 8);
const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };

/** Of one act each, so that no act waits for another. */
export interface Stage {
  story: Story;
  /** A claim whose coverage is cancelled by now. */
  denied: Story;
  patient: Party;
  /** Revoked, so that the copies that rest on it go. */
  consent: Resource;
  /** Amended to less. */
  wide: Resource;
  /** Ids of accesses that nothing permits, and of an emergency; asked for by `ask`. */
  refused?: string;
  emergency?: string;
}

export interface Act {
  name: string;
  /** Organisations whose step it is: it takes all of them. */
  acting: readonly string[];
  /** What `ask` has asked for. */
  asked?: 'refused' | 'emergency';
  /** Does it, and answers the transaction that did. */
  run(stage: Stage, parties: Parties): Promise<string>;
}

const storyOf = (parties: Parties): Story => ({
  ...{ parties, visit: newVisit(), startedAt: new Date().toISOString(), locations: new Map(), accessIds: [] },
});

/** What every stage shares. */
export async function prepareAll(parties: Parties): Promise<void> {
  const body = {
    ...{ status: 'active', start: '2020-01-01', end: '2099-01-01' },
    practitioners: [{ organisation: 'clinic', practitioner: PHYSICIAN }],
  };
  await parties.of('regulator', 'system').write({ method: 'PUT', path: `/licences/${LICENCE}`, body });
}

export async function prepare(parties: Parties): Promise<Stage> {
  const [story, denied] = [storyOf(parties), storyOf(parties)];
  await Promise.all([withCopies(story), withCoverageCancelled(denied)]);
  const patient = parties.of('patients', 'patient', `Patient/${story.patientId}`);
  const { entry } = await patient.ask<{ entry: { resource: Resource }[] }>({ path: '/fhir/R4/Consent' });
  const consent = known(entry[0]?.resource, 'consent');
  const { id } = await granted(patient, wider(consent));
  const wide = await patient.ask({ path: `/fhir/R4/Consent/${id}` });
  return { story, denied, patient, consent, wide };
}

async function withCopies(story: Story): Promise<void> {
  for (const step of [licensed, visitRecorded, consentGranted, accessAllowed, coverageShown, claimSubmitted])
    await step(story, silent);
}

async function withCoverageCancelled(story: Story): Promise<void> {
  for (const step of [licensed, visitRecorded, coverageShown, claimSubmitted]) await step(story, silent);
  const payer = story.parties.of('payer', 'adjudicator');
  const path = `/fhir/R4/Coverage/${story.coverageId}`;
  const coverage = await payer.ask({ path });
  await payer.write({ method: 'PUT', path, body: { ...coverage, status: 'cancelled' } });
}

const classes = (...codes: string[]) => codes.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code }));

/** The same for other records than those that were delivered. */
function wider({ id: _, meta: __, ...consent }: Resource): object {
  return { ...consent, provision: { ...(consent['provision'] as object), class: classes(NARROW, 'Procedure') } };
}

/** Has the clinic ask for what nothing permits, and break the glass; without the clinic the payer asks, and nobody breaks it. */
export async function ask(stage: Stage, parties: Parties, without?: string): Promise<void> {
  const { mrn } = stage.story.visit;
  const asked = async (by: Party, body: object): Promise<string> => {
    const whole = { holder: 'hospital', patient: mrn, types: ['Encounter'], ...body };
    return (await by.write<AccessState>({ method: 'POST', path: '/access-requests', body: whole }, [201])).body.id;
  };
  if (without === 'clinic') {
    stage.refused = await asked(parties.of('payer', 'system'), { purpose: 'HPAYMT' });
    return;
  }
  const physician = parties.of('clinic', 'practitioner', PHYSICIAN);
  [stage.refused, stage.emergency] = await Promise.all([
    asked(parties.of('clinic', 'system'), { purpose: 'TREAT' }),
    asked(physician, { purpose: 'BTG', reason: 'Unconscious' }),
  ]);
}

/** Waits at the custodian until an access stands so; answers the transaction that made it so. */
async function untilAccess(parties: Parties, id: string | undefined, status: AccessState['status']): Promise<string> {
  const custodian = parties.of('patients', 'system');
  type Shown = AccessState & { transactionId: string };
  const path = `/access-requests/${known(id, 'request')}`;
  const state = await custodian.find<Shown>({ path }, `it to be ${status}`, (one) => one.status === status);
  return state.transactionId;
}

const sameBut = (consent: Resource, change: object): object => ({ ...consent, meta: undefined, ...change });

async function put(patient: Party, consent: Resource, change: object, statuses: number[]): Promise<string> {
  const path = `/fhir/R4/Consent/${consent.id}`;
  return (await patient.write({ method: 'PUT', path, body: sameBut(consent, change) }, statuses)).transactionId;
}

async function adjudicated(parties: Parties, { claimId }: Story, disposition: string): Promise<string> {
  const payer = parties.of('payer', 'adjudicator');
  const path = `/fhir/R4/Claim/${claimId}/$adjudicate`;
  const { body, transactionId } = await payer.write({ method: 'POST', path });
  expect(body['disposition']).to.equal(disposition);
  return transactionId;
}

export const ACTS: readonly Act[] = [
  {
    name: 'a revocation',
    acting: ['patients'],
    run: ({ patient, consent }) => put(patient, consent, { status: 'inactive' }, [200]),
  },
  {
    name: 'a purge of delivered copies',
    acting: ['patients'],
    run: ({ story }, parties) => untilAccess(parties, story.accessIds[0], 'purged'),
  },
  {
    name: 'an amendment that only takes away',
    acting: ['patients'],
    // Where the hospital does not endorse the narrower version, the wide one is withdrawn.
    async run({ patient, wide }) {
      const provision = { ...(wide['provision'] as object), class: classes(NARROW) };
      const transactionId = await put(patient, wide, { provision }, [200, 202]);
      const now = await patient.ask({ path: `/fhir/R4/Consent/${wide.id}` });
      const isWide = now['status'] === 'active' && JSON.stringify(now['provision']).includes('Procedure');
      expect(isWide, 'the wide version to be in force no more').to.equal(false);
      return transactionId;
    },
  },
  {
    name: 'a denial',
    ...{ acting: ['patients'], asked: 'refused' },
    run: ({ refused }, parties) => untilAccess(parties, refused, 'refused'),
  },
  {
    name: 'an emergency',
    ...{ acting: ['patients'], asked: 'emergency' },
    run: ({ emergency }, parties) => untilAccess(parties, emergency, 'granted'),
  },
  {
    name: 'an adjudication that approves',
    acting: ['payer'],
    run: ({ story }, parties) => adjudicated(parties, story, 'approved'),
  },
  {
    name: 'an adjudication that denies',
    acting: ['payer'],
    run: ({ denied }, parties) => adjudicated(parties, denied, 'denied'),
  },
  {
    name: 'a licence',
    acting: ['regulator'],
    async run(_, parties) {
      const body = { status: 'active', start: '2020-01-01', end: '2099-01-01' };
      const path = `/licences/${randomUUID().slice(0, 8)}`;
      return (await parties.of('regulator', 'system').write({ method: 'PUT', path, body })).transactionId;
    },
  },
];

/**
 * Runs those acts that are not this organisation's and that were asked for, all at once; how long each took, ms. Each says who
 * endorsed it.
 */
export async function goThrough(stage: Stage, parties: Parties, without?: string): Promise<Map<string, number>> {
  const took = new Map<string, number>();
  const acts = ACTS.filter(({ acting }) => without === undefined || !acting.includes(without)).filter(
    ({ asked }) => asked === undefined || stage[asked] !== undefined,
  );
  await Promise.all(
    acts.map(async ({ name, acting, run }) => {
      const started = performance.now();
      const transactionId = await run(stage, parties);
      took.set(name, performance.now() - started);
      const { endorsers } = await parties.of(known(acting[0], 'acting organisation'), 'system').receipt(transactionId);
      expect(endorsers, name).to.include.members(acting.map(mspIdOf));
      expect(new Set(endorsers).size, name).to.be.at.least(2);
      if (without !== undefined) expect(endorsers, name).to.not.include(mspIdOf(without));
    }),
  );
  return took;
}
