/** Records with a text that is to be forgotten, several of a sheet, with copies at the clinic; and every file that holds it. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRANSIENT_RANGE } from '@telemed-ledger/network/embedded/ledger/state/keys.ts';
import { openDatabase } from '@telemed-ledger/network/embedded/ledger/state/store.ts';
import type { Parties, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { findSecret } from '../scenarios/secrets.fixture.ts';

const PER_SHEET = 3;
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const CODES = 'http://terminology.hl7.org/CodeSystem';

interface Erasable {
  patient: Resource;
  /** Ids of Observations without the text, one of each sheet. */
  kept: string[];
  /** Ids of the Observations that hold it, the others of each sheet. */
  erasable: string[];
}

/** In the text and in what it is found by. */
const holding = (secret: string) => ({
  note: [{ text: secret }],
  identifier: [{ system: 'urn:example:order', value: secret }],
});

/** Has the hospital record them, and the clinic given all of it. */
export async function recordErasable(parties: Parties, secret: string, sheets: number): Promise<Erasable> {
  const hospital = parties.of('hospital', 'system');
  const identifier = { system: 'urn:example:mrn', value: randomUUID() };
  const person = { resourceType: 'Patient', identifier: [identifier] };
  const patient = await written(parties, 'hospital', 'Patient', person);
  const subject = { reference: `Patient/${patient.id}` };
  const entryOf = (index: number) => ({
    resource: {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject },
      ...(index === 0 ? {} : holding(secret)),
    },
    request: { method: 'POST', url: 'Observation' },
  });
  const made: Erasable = { patient, kept: [], erasable: [] };
  for (let sheet = 0; sheet < sheets; sheet += 1) {
    const entry = Array.from({ length: PER_SHEET }, (_, index) => entryOf(index));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    type Answer = { entry: { response: { location: string } }[] };
    const answer = await hospital.ask<Answer>({ method: 'POST', path: '/fhir/R4', body });
    const [kept, ...others] = answer.entry.map(({ response }) => response.location.split('/')[1]!);
    made.kept.push(kept!);
    made.erasable.push(...others);
    // Of these there are two versions, and what changed with the second.
    const changed = { ...entryOf(1).resource, id: others[0]!, status: 'amended' };
    await hospital.write({ method: 'PUT', path: `/fhir/R4/Observation/${others[0]}`, body: changed });
  }
  await deliver(parties, made, identifier);
  return made;
}

async function deliver(parties: Parties, { patient, erasable }: Erasable, identifier: object): Promise<void> {
  const [custodian, clinic] = [parties.of('patients', 'system'), parties.of('clinic', 'system')];
  const reference = (name: string) => ({ identifier: { system: ORGANISATIONS, value: name } });
  await custodian.find({ path: `/fhir/R4/Observation/${erasable.at(-1)}` }, 'the last record');
  const consent = {
    ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
    scope: { coding: [{ system: `${CODES}/consentscope`, code: 'patient-privacy' }] },
    patient: { reference: `Patient/${patient.id}` },
    organization: [reference('hospital')],
    policyRule: { coding: [{ system: `${CODES}/v3-ActCode`, code: 'OPTIN' }] },
    provision: { type: 'permit', actor: [{ role: { text: 'recipient' }, reference: reference('clinic') }] },
  };
  const asPatient = parties.of('patients', 'patient', `Patient/${patient.id}`);
  await asPatient.write({ method: 'POST', path: '/fhir/R4/Consent', body: consent });
  const request = { holder: 'hospital', patient: identifier, types: ['Observation'], purpose: 'TREAT' };
  const { body } = await clinic.write<Resource>({ method: 'POST', path: '/access-requests', body: request });
  type Access = { status: string };
  const isGranted = ({ status }: Access) => status === 'granted';
  await clinic.find<Access>({ path: `/access-requests/${body.id}` }, 'the delivery', isGranted);
  await clinic.find({ path: `/fhir/R4/Observation/${erasable[0]}` }, 'a copy');
}

const written = async (parties: Parties, organisation: string, type: string, body: object): Promise<Resource> =>
  (await parties.of(organisation, 'system').write<Resource>({ method: 'POST', path: `/fhir/R4/${type}`, body })).body;

/** Paths below a directory of the files that hold the text: databases and their logs, peers, blocks, logs. */
export const filesWith = (directory: string, text: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      try {
        return findSecret(readFileSync(path), { text }).length > 0;
      } catch {
        // A file that has been removed since.
        return false;
      }
    });

/**
 * Takes away, from the files too, what stays by docs/erasure.md: private data that was endorsed and never ordered. Returns how much of it
 * holds the text; without any nothing is touched, so that what else remembers it is found.
 */
export async function dropUnordered(directory: string, text: string): Promise<number> {
  const database = await openDatabase(directory);
  const keys = (await database.iterator(TRANSIENT_RANGE).all())
    .filter(([, value]) => findSecret(value, { text }).length > 0)
    .map(([key]) => key);
  // Twice: a value may lie beside its own removal until the table is written once more.
  for (let turn = 0; turn < 2; turn += 1) {
    const batch = database.batch();
    for (const key of keys) batch.del(key);
    await batch.write();
    for (const key of keys) await database.compactRange(key, key);
  }
  await database.close();
  return keys.length;
}
