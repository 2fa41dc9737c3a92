/** The operations that are measured through the gateway's REST interface. */
import type { HttpClient } from '../http.ts';
import { reasonOf } from '../load/sender.ts';
import { newObservation } from './observations.ts';

const BUNDLE_ENTRIES = 50;

export class Rest {
  readonly #http: HttpClient;
  readonly #token: () => Promise<string>;
  readonly #patientId: string;
  /** Observations that were written, to be read. */
  readonly #written: string[] = [];
  /** Observations that were written in one Bundle, by Bundle. */
  readonly #together: string[][] = [];

  private constructor(http: HttpClient, token: () => Promise<string>, patientId: string) {
    this.#http = http;
    this.#token = token;
    this.#patientId = patientId;
  }

  /** Records the patient that all Observations are about. */
  static async open(http: HttpClient, token: () => Promise<string>): Promise<Rest> {
    const patient = { resourceType: 'Patient', active: true, name: [{ text: 'A made-up person to measure with' }] };
    const { id } = (await ask(http, await token(), 'POST', '/fhir/R4/Patient', patient)) as { id: string };
    return new Rest(http, token, id);
  }

  get patientId(): string {
    return this.#patientId;
  }

  create = async (): Promise<void> => {
    const body = newObservation(this.#patientId);
    const { id } = (await ask(this.#http, await this.#token(), 'POST', '/fhir/R4/Observation', body)) as { id: string };
    this.#written.push(id);
  };

  read = async (): Promise<void> => {
    const id = this.#written[Math.floor(Math.random() * this.#written.length)];
    await ask(this.#http, await this.#token(), 'GET', `/fhir/R4/Observation/${id}`);
  };

  /** A Bundle of fifty, as `bundleOf`. */
  bundle = (): Promise<void> => this.bundleOf(BUNDLE_ENTRIES);

  /** A transaction of so many Observations under the ids that the ledger gives. */
  async bundleOf(entries: number): Promise<void> {
    const locations = await this.#send(
      Array.from({ length: entries }, () => ({
        resource: newObservation(this.#patientId),
        request: { method: 'POST', url: 'Observation' },
      })),
    );
    this.#together.push(locations.map((location) => location.split('/')[1] ?? ''));
  }

  /** A new version of each Observation of an earlier Bundle: each is a private key of its own on the ledger. */
  async updateOfBundle(): Promise<void> {
    const ids = this.#together.shift();
    if (ids === undefined) throw new Error('there are fewer Bundles than callers');
    await this.#send(
      ids.map((id) => ({
        resource: { ...newObservation(this.#patientId), id },
        request: { method: 'PUT', url: `Observation/${id}` },
      })),
    ).finally(() => this.#together.push(ids));
  }

  async #send(entry: readonly object[]): Promise<string[]> {
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    const answer = (await ask(this.#http, await this.#token(), 'POST', '/fhir/R4', bundle)) as {
      entry: { response: { location?: string } }[];
    };
    return answer.entry.map(({ response }) => response.location ?? '');
  }
}

async function ask(http: HttpClient, token: string, method: 'GET' | 'POST', path: string, body?: unknown) {
  const answer = await http.send({ method, path, body, headers: { authorization: `Bearer ${token}` } });
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw new Error(`${method} answered ${answer.status}${reasonOf(answer.body)}`);
}
