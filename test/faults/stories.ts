/**
 * The load's stories: the demo's, from a licence and a visit over consent and access to a paid claim, each with a
 * patient of its own, and at the end the consent's revocation. Every step checks what it finds.
 */

import { isDelegation } from '@telemed-ledger/chaincode/model/delegations.ts';
import { booked, consulted, recalled, taken } from '@telemed-ledger/scripts/demo/consultation.ts';
import { expectThat, type Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { appealed, asked, replaced } from '@telemed-ledger/scripts/demo/put-right.ts';
import type { Narrator, Step, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { changeDetected, changeUndone } from '@telemed-ledger/scripts/demo/tampering.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import type { RecordedParties } from './parties.ts';

export interface StoryOutcome {
  /** Undefined where the story came to its end. */
  brokeAt: string | undefined;
  reason: string;
}

/** Receipts are asked for by the demo to be shown; here they are checked at the end. */
const silent: Narrator = { fact: () => {}, wrote: async () => {} };

const revoked: Step = {
  title: 'The patient revokes, and the delivered copies go',
  async run({ parties, patientId, observationId }) {
    const patient = parties.of('patients', 'patient', `Patient/${patientId}`);
    const path = `/fhir/R4/Consent?patient=${patientId}`;
    const { entry = [] } = await patient.ask<{ entry?: { resource: Resource }[] }>({ path });
    const [consent, ...others] = entry.map(({ resource }) => resource).filter((one) => !isDelegation(one));
    expectThat(consent !== undefined && others.length === 0, 'one consent to disclosure', entry.length);
    const body = { ...consent, status: 'inactive' };
    await patient.write({ method: 'PUT', path: `/fhir/R4/Consent/${consent.id}`, body });
    const clinic = parties.of('clinic', 'practitioner');
    await untilGone(() => clinic.send({ path: `/fhir/R4/Observation/${observationId}` }));
  },
};

const GONE_MS = 90_000;
const PAUSE_MS = 300;

async function untilGone(ask: () => Promise<{ status: number }>): Promise<void> {
  const deadline = Date.now() + GONE_MS;
  for (;;) {
    const { status } = await ask();
    if (status === 404 || status === 410) return;
    expectThat(Date.now() < deadline, `the copy to be gone within ${GONE_MS / 1000} s`, `status ${status}`);
    await new Promise((next) => setTimeout(next, PAUSE_MS));
  }
}

/** What the books of a run do not know: a claim that is decided more than once, or in the place of another; a write that is to be refused. */
const UNBOOKED: readonly Step['run'][] = [
  ...[changeDetected, changeUndone, replaced, asked, appealed],
  ...[booked, consulted, taken, recalled],
];
const told = [...steps.filter(({ run }) => !UNBOOKED.includes(run)), revoked];

/** Tells one story after the other until the run is over; one that has begun is told to its end. */
export async function tellStories(
  parties: RecordedParties,
  over: AbortSignal,
  outcomes: StoryOutcome[],
): Promise<void> {
  while (!over.aborted) outcomes.push(await tellOne(parties));
}

async function tellOne(parties: RecordedParties): Promise<StoryOutcome> {
  const startedAt = new Date().toISOString();
  const story: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
  let current = '';
  try {
    for (const step of told) {
      current = step.title;
      await step.run(story, silent);
    }
    return { brokeAt: undefined, reason: '' };
  } catch (error) {
    return { brokeAt: current, reason: (error as Error).message };
  }
}
