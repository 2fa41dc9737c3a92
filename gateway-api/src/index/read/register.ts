/** The register of licences as this organisation's read model holds it. */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  type Bucket,
  type BucketEvidence,
  bucketOfNumber,
  EMPTY_BUCKET,
} from '@telemed-ledger/chaincode/model/registers.ts';
import type { LicenceState, Person } from '@telemed-ledger/chaincode/model/values.ts';
import { BucketRegister, type Standing } from './buckets.ts';
import type { Evidence } from './evidence.ts';

const KEYS = {
  ...{ root: 'register', bucket: 'bucket', empty: EMPTY_BUCKET },
  ...{ rootKey: privateKeys.register, bucketKey: privateKeys.bucket },
};

export class LicenceRegister {
  readonly #register: BucketRegister;
  #listed: { standing: Standing; licences: readonly LicenceState[] } | undefined;

  constructor(evidence: Evidence) {
    this.#register = new BucketRegister(evidence, KEYS);
  }

  /** A licence by its number; undefined where there is none. @throws {Failure} 503 where a part of it has not arrived */
  async licence(number: string): Promise<LicenceState | undefined> {
    return licenceIn(await this.#register.bucketOf(number), number);
  }

  /** All licences, by number. @throws {Failure} 503 where a part of it has not arrived */
  async licences(): Promise<readonly LicenceState[]> {
    const standing = await this.#register.current();
    // Put together once for a generation: they are asked for with every write of a practitioner.
    if (this.#listed?.standing !== standing) this.#listed = { standing, licences: licencesIn(standing) };
    return this.#listed.licences;
  }

  /** What was said of a licence over time, oldest first. @throws {Failure} 503 where a part of it has not arrived */
  async statements(number: string): Promise<{ licence: LicenceState; transactionId: string }[]> {
    const { generation } = await this.#register.current();
    const index = bucketOfNumber(number);
    const said: { licence: LicenceState; transactionId: string }[] = [];
    for (const { text, transactionId, ...written } of await this.#register.written(generation)) {
      const licence = written.index === index ? licenceIn(text, number) : undefined;
      // A bucket is written for any of its licences.
      const isSaid = licence !== undefined && canonicalJson(licence) !== canonicalJson(said.at(-1)?.licence ?? {});
      if (isSaid) said.push({ licence, transactionId });
    }
    return said;
  }

  /** The licences that name a person. @throws {Failure} 503 where a part of it has not arrived */
  async licencesNaming({ organisation, practitioner }: Person): Promise<LicenceState[]> {
    return (await this.licences()).filter(({ practitioners = [] }) =>
      practitioners.some((one) => one.organisation === organisation && one.practitioner === practitioner),
    );
  }

  /** As BucketRegister's. @throws {Failure} 503 where a part of it has not arrived */
  bucketsOf(numbers: readonly string[]): Promise<{ register: number; buckets: BucketEvidence[] }> {
    return this.#register.bucketsOf(numbers);
  }
}

function licenceIn(text: string, number: string): LicenceState | undefined {
  const { licences } = JSON.parse(text) as Bucket;
  return Object.hasOwn(licences, number) ? licences[number] : undefined;
}

const licencesIn = ({ texts }: Standing): LicenceState[] =>
  [...texts.values()]
    .flatMap((text) => Object.values((JSON.parse(text) as Bucket).licences))
    .sort((one, other) => (one.number < other.number ? -1 : 1));
