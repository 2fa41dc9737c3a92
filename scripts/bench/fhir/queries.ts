/** What is measured of FHIR over HTTP: each asks once, of somebody by chance, and looks whether the answer is one. */
import type { HttpClient } from '../../http.ts';
import { reasonOf } from '../../load/sender.ts';
import { codeOf, ENTRIES, identifierOf, observationOf, type Person, recordOf } from './people.ts';

interface Bundle {
  total?: number;
  entry?: { resource: { resourceType: string; id: string }; response?: { location?: string } }[];
}

const any = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)]!;

export class Fhir {
  readonly #http: HttpClient;
  /** Of several clients, since one may have only so many requests under way. */
  readonly #tokens: readonly (() => Promise<string>)[];
  readonly #people: Person[] = [];
  readonly #observations: string[] = [];
  readonly #written: string[] = [];

  constructor(http: HttpClient, tokens: readonly (() => Promise<string>)[]) {
    this.#http = http;
    this.#tokens = tokens;
  }

  /** Resources that were loaded. */
  get loaded(): number {
    return this.#people.length * ENTRIES;
  }

  /** One more person. */
  load = async (): Promise<void> => {
    const { identifier, bundle } = recordOf();
    const { entry = [] } = await this.#ask('POST', '', bundle);
    const ids = entry.map(({ response }) => response?.location?.split('/') ?? []);
    this.#people.push({ id: ids[0]?.[1] ?? '', identifier });
    this.#observations.push(...ids.filter(([type]) => type === 'Observation').flatMap(([, id = '']) => id));
  };

  read = async (): Promise<void> => void (await this.#ask('GET', `/Observation/${any(this.#observations)}`));

  #byCode(): string {
    return `/Observation?patient=${any(this.#people).id}&code=${codeOf(Math.floor(Math.random() * 1_000))}`;
  }

  search = async (): Promise<void> => this.#found(await this.#ask('GET', this.#byCode()), 2);

  include = async (): Promise<void> =>
    this.#found(
      await this.#ask('GET', `${this.#byCode()}&_include=Observation:encounter&_include=Observation:subject`),
      4,
    );

  chained = async (): Promise<void> => {
    const person = identifierOf(any(this.#people));
    const code = codeOf(Math.floor(Math.random() * 1_000));
    this.#found(await this.#ask('GET', `/Observation?subject:Patient.identifier=${person}&code=${code}`), 2);
  };

  everything = async (): Promise<void> =>
    this.#found(await this.#ask('GET', `/Patient/${any(this.#people).id}/$everything?_count=500`), ENTRIES);

  page = async (): Promise<void> => this.#found(await this.#ask('GET', '/Observation?_count=20'), 20);

  create = async (): Promise<void> => {
    const { id } = (await this.#ask('POST', '/Observation', observationOf(`Patient/${any(this.#people).id}`, 1))) as {
      id?: string;
    };
    this.#written.push(id ?? '');
  };

  update = async (): Promise<void> => {
    const id = this.#written.shift();
    if (id === undefined) return this.create();
    await this.#ask('PUT', `/Observation/${id}`, { ...observationOf(`Patient/${any(this.#people).id}`, 2), id });
    this.#written.push(id);
  };

  /** As public benchmarks mix: half reads, a fifth searches, the rest writes. */
  mixed = (): Promise<void> => {
    const chance = Math.random();
    if (chance < 0.5) return this.read();
    if (chance < 0.7) return this.search();
    return chance < 0.85 ? this.create() : this.update();
  };

  #found({ entry = [] }: Bundle, least: number): void {
    if (entry.length < least) throw new Error(`${entry.length} entries were answered, not ${least}`);
  }

  async #ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<Bundle> {
    const headers = { authorization: `Bearer ${await any(this.#tokens)()}` };
    const answer = await this.#http.send({
      method,
      path: `/fhir/R4${path}`,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 200 && answer.status < 300) return answer.body as Bundle;
    throw new Error(`${method} answered ${answer.status}${reasonOf(answer.body)}`);
  }
}
