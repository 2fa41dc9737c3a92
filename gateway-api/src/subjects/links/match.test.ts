/** That nobody learns by $match or /holdings whether a person is known whom he does not see: the same is done, whoever it is. */
import { randomUUID } from 'node:crypto';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import { askHoldings } from '../access/holdings.ts';
import type { Services } from '../services.ts';
import { matchPatient } from './match.ts';

const MRN = 'https://hospital.example/mrn';
const ORGANISATIONS: readonly Organisation[] = [
  { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
  { name: 'clinic', mspId: 'ClinicMSP', kind: 'provider' },
  { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' },
];
const PRACTITIONER = { subject: 'b', role: 'practitioner', fhirUser: 'Practitioner/b' } as const;

/** An object of which every use is noted, and of which nothing else can be used. */
const only = (uses: Record<string, unknown>): never =>
  new Proxy(uses, {
    get: (known, name) => {
      if (!(name in known)) throw new Error(`${String(name)} is used`);
      return known[String(name)];
    },
  }) as never;

describe('Whether a person is known', () => {
  /** What $match does and answers at a gateway where this is here for others. */
  async function matching(withheld: object[], caller: object) {
    const calls: string[] = [];
    const did =
      <T>(name: string, answer: T) =>
      (): Promise<T> => {
        calls.push(name);
        return Promise.resolve(answer);
      };
    const services = only({
      organisation: ORGANISATIONS[1],
      consortium: { channel: 'c', chaincode: 'c', organisations: ORGANISATIONS },
      index: only({
        search: did('search', { matches: [] }),
        deliveries: only({ withheld: did('withheld', withheld) }),
      }),
      readLog: only({ note: did('note', undefined) }),
    });
    const resource = {
      ...{ resourceType: 'Patient', birthDate: '1980-01-01' },
      identifier: [{ system: MRN, value: randomUUID() }, { value: randomUUID() }],
      name: [{ family: 'Doe', given: ['Jo'] }],
    };
    const began = performance.now();
    const { resource: answer } = await matchPatient[0]!.handle(
      { caller, body: resource, id: undefined, idempotency: undefined, baseUrl: '' } as never,
      services,
    );
    return { calls, answer, tookMs: performance.now() - began };
  }

  it('shows in nothing that $match asks, writes, answers, nor in when', async () => {
    const known = await matching([{ access: 'a', patient: 'p', id: 'p' }], PRACTITIONER);
    const unknown = await matching([], PRACTITIONER);
    expect(known.calls).to.deep.equal(unknown.calls);
    expect(known.calls.filter((name) => name === 'note')).to.have.length(3);
    expect(known.answer).to.deep.equal(unknown.answer);
    for (const { tookMs } of [known, unknown]) expect(tookMs).to.be.at.least(49);
  });

  it('is nothing that a question of holdings looks at before it is asked', async () => {
    const asked = async () => {
      const requests: object[] = [];
      const services = only({
        organisation: ORGANISATIONS[1],
        consortium: { channel: 'c', chaincode: 'c', organisations: ORGANISATIONS },
        accessGroups: only({ requests: only({ write: async (one: object) => requests.push(one) }) }),
        // Nothing of a database is at hand.
        idempotent: only({
          write: async (
            _caller: object,
            _key: undefined,
            draft: () => { answer: object; submit(sending: object): Promise<void> },
          ) => {
            const { answer, submit } = draft();
            await submit({});
            return { answer, outcome: { transactionId: 't' } };
          },
        }),
      }) as Services;
      const body = { patient: { system: MRN, value: randomUUID() }, purpose: 'TREAT' };
      const answer = await askHoldings.handle(
        { caller: PRACTITIONER, body, idempotency: undefined } as never,
        services,
      );
      return { requests: requests.length, holders: (answer.body as { requests: object[] }).requests.length };
    };
    expect(await asked()).to.deep.equal({ requests: 1, holders: 1 });
  });
});
