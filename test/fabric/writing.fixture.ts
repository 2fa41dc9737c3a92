/** Clients that write without a pause while something happens to the network, and what became of each write. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Parties } from '@telemed-ledger/scripts/demo/parties.ts';

export interface Written {
  acknowledged: number;
  /** Acknowledged, and not there in the end. */
  lost: number;
  /** There more often than acknowledged. */
  doubled: number;
  /** Between two acknowledgements, by whomever. */
  longestGapMs: number;
  /** Answers other than the acknowledgement, by their status. */
  refused: Record<string, number>;
}

const RETRY_MS = 200;
const SHOWN_MS = 60_000;

/** Each repeats a write under its key until it is acknowledged. */
export class Writing {
  readonly #parties: Parties;
  readonly #times: number[] = [];
  readonly #refused: Record<string, number> = {};
  readonly #writers: Promise<{ organisation: string; patient: string; ids: string[] }>[];
  #isOver = false;

  /** @param organisations one client each; several of one where it is named several times */
  constructor(parties: Parties, organisations: readonly string[]) {
    this.#parties = parties;
    this.#writers = organisations.map((organisation) => this.#write(organisation));
    for (const writer of this.#writers) writer.catch(() => undefined);
  }

  /** Waits for some more acknowledgements. */
  async goOn(count: number): Promise<void> {
    const goal = this.#times.length + count;
    while (this.#times.length < goal) await delay(RETRY_MS);
  }

  /** Ends all of them and looks for everything that was written. */
  async end(): Promise<Written> {
    this.#isOver = true;
    let [acknowledged, lost, doubled] = [0, 0, 0];
    for (const { organisation, patient, ids } of await Promise.all(this.#writers)) {
      const found = await this.#shown(organisation, patient, ids);
      acknowledged += ids.length;
      lost += ids.filter((id) => !found.includes(id)).length;
      doubled += Math.max(0, found.length - ids.length);
    }
    const gaps = this.#times.slice(1).map((time, index) => time - this.#times[index]!);
    return { acknowledged, lost, doubled, longestGapMs: Math.max(0, ...gaps), refused: this.#refused };
  }

  async #write(organisation: string): Promise<{ organisation: string; patient: string; ids: string[] }> {
    const identifier = [{ system: 'urn:example:mrn', value: randomUUID() }];
    const patient = await this.#acknowledged(organisation, 'Patient', { resourceType: 'Patient', identifier });
    const ids: string[] = [];
    const subject = { reference: `Patient/${patient}` };
    const body = { resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject };
    while (!this.#isOver) {
      ids.push(await this.#acknowledged(organisation, 'Observation', body));
      this.#times.push(performance.now());
    }
    return { organisation, patient, ids };
  }

  /** @returns the id */
  async #acknowledged(organisation: string, type: string, body: object): Promise<string> {
    const headers = { 'idempotency-key': randomUUID() };
    const party = this.#parties.of(organisation, 'system');
    for (;;) {
      const answer = await party
        .send({ method: 'POST', path: `/fhir/R4/${type}`, body, headers })
        .catch(() => undefined);
      if (answer?.status === 201 || answer?.status === 200) return (answer.body as { id: string }).id;
      const status = String(answer?.status ?? 'no answer');
      this.#refused[status] = (this.#refused[status] ?? 0) + 1;
      await delay(RETRY_MS);
    }
  }

  /** A gateway that was late acknowledges before it shows; what it does not show after a minute is lost. */
  async #shown(organisation: string, patient: string, ids: readonly string[]): Promise<string[]> {
    const deadline = performance.now() + SHOWN_MS;
    for (;;) {
      const found = await this.#found(organisation, patient);
      if (ids.every((id) => found.includes(id)) || performance.now() > deadline) return found;
      await delay(RETRY_MS);
    }
  }

  async #found(organisation: string, patient: string): Promise<string[]> {
    type Page = { entry?: { resource: { id: string } }[]; link: { relation: string; url: string }[] };
    const ids: string[] = [];
    let path: string | undefined = `/fhir/R4/Observation?subject=Patient/${patient}&_count=200`;
    while (path !== undefined) {
      const page: Page = await this.#parties.of(organisation, 'system').ask<Page>({ path });
      ids.push(...(page.entry ?? []).map(({ resource }) => resource.id));
      const next = page.link.find(({ relation }) => relation === 'next')?.url;
      path = next === undefined ? undefined : next.replace(/^https?:\/\/[^/]+/, '');
    }
    return ids;
  }
}
