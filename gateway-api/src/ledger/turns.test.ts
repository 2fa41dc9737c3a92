/** Whose transactions are endorsed when more are asked for than may be in flight. */
import { setImmediate as turn } from 'node:timers/promises';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { expect } from 'chai';
import { consortium, silent } from '../index/index.fixture.ts';
import { LedgerClient } from './client.ts';
import type { LedgerConnection } from './connect.ts';
import { Outcomes } from './outcomes.ts';

/** A client of a peer that never answers, and what it has been asked to endorse: ids of access requests. */
function clientOf(limits: { inFlightWrites: number; clientWrites: number }) {
  const asked: string[] = [];
  const connection = {
    settings: { mspId: 'PatientsMSP' },
    timeouts: {},
    signer: () => async () => Buffer.from('signature'),
    contract: () => ({
      newProposal: (_name: string, { arguments: [argument] }: { arguments: string[] }) => ({
        getDigest: () => Buffer.from('digest'),
        getTransactionId: () => 'transaction',
        getBytes: () => encode([2, (JSON.parse(argument ?? '') as { id: string }).id]),
      }),
    }),
    gateway: () => ({
      newSignedProposal: (bytes: Uint8Array) => ({
        endorse: () => {
          const proposed = new Message(bytes);
          if (proposed.text(3) === 'PatientsMSP') asked.push(proposed.text(2));
          return new Promise<never>(() => {});
        },
      }),
    }),
  };
  const client = new LedgerClient({
    connection: connection as unknown as LedgerConnection,
    identityOf: async () => ({ name: 'system', certificate: '', privateKey: '' }),
    consortium,
    organisation: 'patients',
    outcomes: new Outcomes(),
    log: silent,
    limits: { budgetMs: 60_000, feedWaitMs: 1_000, ...limits },
  });
  const submit = (id: string, caller?: string): void => {
    const sending = { as: { role: 'system' }, ...(caller === undefined ? {} : { client: caller }) } as const;
    const input = { id, requestor: 'clinic', holder: 'hospital' };
    void client.submit('PurgeCopies', input, { state: '', salt: '' }, sending);
  };
  return { client, submit, asked };
}

/** All that can be asked for has been: a stretch of work may take several turns. */
async function turns(): Promise<void> {
  for (let left = 100; left > 0; left -= 1) await turn();
}

describe('Writes to the ledger', () => {
  it('are taken of each client to its part, and in turn', async () => {
    const { client, submit, asked } = clientOf({ inFlightWrites: 3, clientWrites: 2 });
    for (const id of ['g1', 'g2', 'g3', 'g4']) submit(id, 'greedy');
    for (const id of ['m1', 'm2']) submit(id, 'modest');
    await turn();
    expect(asked).to.deep.equal(['g1', 'g2', 'm1']);
    expect([client.inFlight, client.waiting]).to.deep.equal([3, 3]);
  });

  it('of the gateway itself go on while clients have taken all, and take nothing from them', async () => {
    const { submit, asked } = clientOf({ inFlightWrites: 1, clientWrites: 1 });
    submit('c1', 'client');
    submit('c2', 'client');
    for (let duty = 0; duty < 150; duty += 1) submit(`d${duty}`);
    await turns();
    expect(asked.slice(0, 3)).to.deep.equal(['c1', 'd0', 'd1']);
    expect(asked).to.have.length(101);
    const other = clientOf({ inFlightWrites: 1, clientWrites: 1 });
    for (let duty = 0; duty < 150; duty += 1) other.submit(`d${duty}`);
    other.submit('c1', 'client');
    await turns();
    expect(other.asked).to.include('c1');
  });
});
