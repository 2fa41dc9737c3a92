/** What a drill of backup and restore looks at, the same on either network. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { until } from '../../gateway-api/src/consortium.fixture.ts';
import { filesWith, recordErasable } from '../faults/erasable.fixture.ts';

export const ORGANISATION = 'hospital';
const HOLDERS = [ORGANISATION, 'patients', 'clinic'];
const LONG_MS = 90_000;
const SEARCH_MS = 2_000;

/** The hospital's records: some from before a backup, of which some are erased after it, and one from after it. */
export class Drill {
  // Without a beginning that LevelDB would compress.
  readonly #secret = randomBytes(24).toString('base64url');
  readonly #mrn = randomUUID();
  #kept: string[] = [];
  #erased: string[] = [];
  #patient = '';

  async recordBefore(parties: Parties): Promise<void> {
    const { kept, erasable, patient } = await recordErasable(parties, this.#secret, 2);
    [this.#kept, this.#erased, this.#patient] = [kept, erasable, patient.id];
  }

  /** Erases, once the backup is made, and records something more. */
  async changeAfter(parties: Parties): Promise<void> {
    for (const id of this.#erased) {
      const path = `/fhir/R4/Observation/${id}/$erase`;
      const { headers } = await parties.of('patients', 'system').send({ method: 'POST', path });
      const isDone = ({ status }: { status: string }) => status === 'erased';
      for (const name of ['patients', ORGANISATION])
        await parties.of(name, 'system').find({ path: headers['location']! }, 'its end', isDone);
    }
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: this.#mrn }] };
    const { id } = (await this.#at(parties).write({ method: 'POST', path: '/fhir/R4/Patient', body })).body;
    await parties.of('patients', 'system').find({ path: `/fhir/R4/Patient/${id}` }, 'the record from after');
  }

  /** What the hospital's gateway shows of all this, but where it is. */
  async shown(parties: Parties): Promise<string> {
    const paths = [
      ...[...this.#kept, ...this.#erased].map((id) => `Observation/${id}/_history`),
      `Observation?subject=Patient/${this.#patient}&_count=100`,
      `Patient?identifier=urn:example:mrn|${this.#mrn}`,
    ];
    const answers = await Promise.all(
      paths.map(async (path) => {
        const { status, body } = await this.#at(parties).send({ path: `/fhir/R4/${path}` });
        return [path, status, (body as { entry?: object }).entry];
      }),
    );
    return JSON.stringify(answers).replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '');
  }

  /** What is kept is served and whole, what is erased by nobody, and no file below the directory holds it. */
  async assertRight(parties: Parties, dataDir: string): Promise<void> {
    const statusOf = async (name: string, id: string): Promise<number> =>
      (await parties.of(name, 'system').send({ path: `/fhir/R4/Observation/${id}` })).status;
    for (const id of this.#kept) expect(await statusOf(ORGANISATION, id), id).to.equal(200);
    for (const name of HOLDERS) for (const id of this.#erased) expect(await statusOf(name, id), name).to.equal(410);
    const verified = { method: 'POST', path: '/verify' } as const;
    const { differences } = await parties.of(ORGANISATION, 'operator').ask<{ differences: object[] }>(verified);
    expect(differences).to.deep.equal([]);
    await until(() => this.filesWithErased(dataDir).length === 0, LONG_MS, SEARCH_MS).catch(() => undefined);
    expect(this.filesWithErased(dataDir)).to.deep.equal([]);
  }

  filesWithErased(directory: string): string[] {
    return filesWith(directory, this.#secret);
  }

  #at(parties: Parties) {
    return parties.of(ORGANISATION, 'system');
  }
}
