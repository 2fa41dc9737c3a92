/**
 * What comes of a recall at a provider: it finds whom it handed out what is recalled, tells each of them once, and reports how many these
 * were. The custodian, which holds the same dispenses and messages, counts beside it. Both read what is to be done anew each time, so that
 * one that was away, or stopped in the midst, goes on.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { RecallCounts } from '@telemed-ledger/chaincode/model/lot-transactions.ts';
import type { Recall } from '@telemed-ledger/chaincode/model/lots.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { asSystem } from '../../auth/caller.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import type { NewDraft } from '../../fhir/repository.ts';
import { newSalt } from '../../ledger/sender.ts';
import { recordVersions } from '../records/groups.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import {
  type Affected,
  affectedBy,
  byPatient,
  countsOf,
  isReached,
  isSame,
  messageId,
  recallsNow,
  reportName,
  reportsOf,
  stateOf,
} from './recalls.ts';

/** Messages of one transaction. */
const AT_ONCE = 100;
const CATEGORY = { system: 'http://terminology.hl7.org/CodeSystem/communication-category', code: 'alert' };
const WHO = asSystem({ subject: 'recalls', role: 'system' });

interface Following {
  recall: Recall;
  /** What there was when it was found to be done. */
  state: string;
}

/** What there was when it was last done, by recall: what is the same needs no look at every dispense. */
const done = new WeakMap<Services['index'], Map<string, string>>();
function doneIn({ index }: Services): Map<string, string> {
  const known = done.get(index) ?? new Map<string, string>();
  done.set(index, known);
  return known;
}

/** @param more what else of a recall there may be news of */
async function* changed(services: Services, more: (id: string) => Promise<unknown>): AsyncIterable<Following> {
  for (const recall of await recallsNow(services.index)) {
    if (recall.status !== 'active') continue;
    const state = JSON.stringify([await stateOf(services.index, recall), await more(recall.id)]);
    if (doneIn(services).get(recall.id) !== state) yield { recall, state };
  }
}

function message(organisation: string, recall: Recall, patient: string, dispenses: readonly string[]): NewDraft {
  const id = messageId(recall.id, patient);
  const her = { reference: `Patient/${patient}` };
  const text = `A medicine that was handed out to you is recalled: ${recall.reason}`;
  const resource: Resource = {
    ...{ resourceType: 'Communication', id, status: 'completed', priority: 'urgent' },
    ...{ category: [{ coding: [CATEGORY] }], subject: her, recipient: [her] },
    about: dispenses.map((one) => ({ reference: `MedicationDispense/${one}` })),
    sender: { identifier: { system: ORGANISATION_SYSTEM, value: organisation } },
    ...{ sent: new Date().toISOString(), payload: [{ contentString: text }] },
  };
  return { id, version: 1, salt: newSalt(), resource, isProvisional: false };
}

/** Tells those who were not told yet. */
async function tell(services: Services, recall: Recall, affected: readonly Affected[]): Promise<void> {
  const { index, organisation, readLog } = services;
  const untold: [string, string[]][] = [];
  for (const [patient, dispenses] of byPatient(affected))
    if (!(await isReached(index, recall, patient))) untold.push([patient, dispenses]);
  for (let at = 0; at < untold.length; at += AT_ONCE) {
    const some = untold.slice(at, at + AT_ONCE);
    const about = some.map(([patient, records]) => ({ outcome: 'shown' as const, patient, access: null, records }));
    // Her log says that it was looked for what she was handed out.
    await readLog.note(WHO, { interaction: 'search', type: 'MedicationDispense', about });
    const drafts = some.map(([patient, dispenses]) => message(organisation.name, recall, patient, dispenses));
    await recordVersions(services, drafts, AS_SYSTEM, WHO);
  }
}

/** Reports what there is of a provider, where that is not what was reported last. */
async function report(services: Services, { id }: Recall, provider: string, counts: RecallCounts): Promise<void> {
  const { index, ledger, organisation } = services;
  const own = organisation.kind === 'provider' ? collections.care(organisation.name) : collections.reviews;
  await upToDate(async () => {
    const before = (await reportsOf(index, own, id)).get(reportName(provider, organisation.name));
    if (isSame(counts, before?.report)) return;
    const hidden = { counts, known: before?.n ?? 0, salt: newSalt() };
    await ledger.submit('ReportRecall', { id, provider }, hidden, AS_SYSTEM);
  });
}

/** What there is news of while it is at work is another item, done after it. */
const nameOf = ({ recall: { id }, state }: Following): string => `${id}/${sha256Hex(state).slice(0, 8)}`;

export const followRecalls: Duty<Following> = {
  name: 'tell patients of recalls',
  kind: 'provider',
  on: ['RecallPublished'],
  idOf: nameOf,
  atOnce: 1,
  find: (services) => changed(services, async () => undefined),
  async perform({ recall, state }, services) {
    const { index, organisation } = services;
    const affected = await affectedBy(index, recall);
    await tell(services, recall, affected);
    await report(services, recall, organisation.name, await countsOf(index, recall, affected));
    doneIn(services).set(recall.id, state);
  },
};

export const countRecalls: Duty<Following> = {
  name: 'count what recalls reach',
  kind: 'custodian',
  on: ['RecallPublished', 'RecallReported'],
  idOf: nameOf,
  atOnce: 1,
  find: (services) => changed(services, (id) => reportedByProviders(services, id)),
  async perform({ recall, state }, services) {
    const { index } = services;
    const byProvider = Map.groupBy(await affectedBy(index, recall), ({ provider }) => provider);
    const reported = (await reportedByProviders(services, recall.id)).map(([provider]) => provider);
    for (const provider of new Set([...byProvider.keys(), ...reported]))
      await report(services, recall, provider, await countsOf(index, recall, byProvider.get(provider) ?? []));
    doneIn(services).set(recall.id, state);
  },
};

/** The providers that reported of themselves, and how often. */
async function reportedByProviders({ index }: Services, id: string): Promise<[string, number][]> {
  const reports = [...(await reportsOf(index, collections.reviews, id)).values()];
  return reports
    .filter(({ report: { provider, reporter } }) => provider === reporter)
    .map(({ report: { provider }, n }) => [provider, n]);
}
