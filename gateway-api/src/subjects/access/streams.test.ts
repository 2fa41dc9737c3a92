import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { accessState } from '../../index/values.fixture.ts';
import type { Disclosure } from './disclosure.ts';
import { AccessStreams } from './streams.ts';

/** An answer that notes what is written, and of which nothing is read. */
class FakeResponse extends EventEmitter {
  text = '';
  writableLength = 0;
  writableEnded = false;
  destroyed = false;
  write(text: string): void {
    this.text += text;
  }
  end(): void {
    this.writableEnded = true;
    this.emit('close');
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const disclosure = (patient: string): Disclosure => ({ state: accessState(), transactionId: 't', block: 7, patient });
const block = (...payloads: string[]) => ({
  transactions: payloads.map((payload) => ({ event: { name: 'AccessRequested', payload } })) as never,
});

describe('Streams of events to patients', () => {
  const known = new Map<string, Disclosure>();
  let streams: AccessStreams;
  let gathering: () => AsyncGenerator<Disclosure>;
  beforeEach(() => {
    known.clear();
    gathering = async function* () {};
    streams = new AccessStreams({
      find: async (access) => known.get(access) ?? Promise.reject(new Error('not here yet')),
      of: () => gathering(),
      shown: ({ patient }) => ({ of: patient }),
      limits: { client: 2, all: 3, heartbeatMs: 20 },
    });
  });
  const open = async (patient: string, client = patient, endsAt = Date.now() + 60_000): Promise<FakeResponse> => {
    streams.demandRoom(client);
    const response = new FakeResponse();
    await streams.add(
      { client, patient, response: response as unknown as ServerResponse, isHers: true },
      { since: undefined, endsAt },
    );
    return response;
  };

  it('end before they tell anything to whom may not listen any more, also where that cannot be found out', async () => {
    for (const answer of [async () => false, () => Promise.reject(new Error('lost'))]) {
      let isOver = false;
      const response = new FakeResponse();
      const listening = { client: 'c', patient: 'a', response: response as unknown as ServerResponse, isHers: false };
      const mayGoOn = () => (isOver ? answer() : Promise.resolve(true));
      await streams.add({ ...listening, mayGoOn }, { since: undefined, endsAt: Date.now() + 60_000 });
      known.set('one', disclosure('a'));
      streams.sees(block('{"id":"one"}'));
      await until(() => response.text.includes('event: requested'));
      isOver = true;
      const told = response.text;
      streams.sees(block('{"id":"one"}'));
      await until(() => response.writableEnded);
      expect(response.text.slice(told.length)).to.not.contain('event:');
    }
    expect(streams.open).to.equal(0);
  });

  it('beat while nothing happens, end with their token, and at the end', async () => {
    const [one, other] = [await open('a'), await open('b', 'b', Date.now() + 50)];
    await until(() => one.text.includes(':\n\n') && other.writableEnded);
    expect(streams.open).to.equal(1);
    streams.end();
    expect([one.writableEnded, streams.open]).to.deep.equal([true, 0]);
    expect(() => streams.demandRoom('a')).to.throw(/stopping/);
  });

  it('are bounded for each client and for all', async () => {
    await open('a');
    await open('a');
    expect(() => streams.demandRoom('a')).to.throw(/This client has 2 streams/);
    await open('b');
    expect(() => streams.demandRoom('c')).to.throw(/3 streams open/);
    streams.end();
  });

  it('carry what is the patient’s and nothing else, whatever stands in events', async () => {
    const [one, other] = [await open('a'), await open('b')];
    known.set('x', disclosure('a'));
    streams.sees(block('no JSON', 'null', '{"id":7}', '{"id":"unknown"}', '{"id":"x"}'));
    await until(() => one.text.includes('{"of":"a"}'));
    expect(one.text).to.include('id: 7\nevent: requested\ndata: ');
    expect(other.text).to.not.include('data');
    streams.end();
  });

  it('carry each access of an event that names several, to its own patient alone', async () => {
    const [one, other] = [await open('a'), await open('b')];
    known.set('x', disclosure('a'));
    known.set('y', disclosure('b'));
    streams.sees(block('{"ids":"x"}', '{"ids":[7,null,"unknown","x","y"]}'));
    await until(() => one.text.includes('{"of":"a"}') && other.text.includes('{"of":"b"}'));
    expect([one, other].map(({ text }) => text.split('data: ').length)).to.deep.equal([2, 2]);
    streams.end();
  });

  it('send what comes while the first are gathered behind those', async () => {
    let goOn = (): void => {};
    gathering = async function* () {
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      yield disclosure('first');
    };
    known.set('x', disclosure('a'));
    const opening = open('a');
    streams.sees(block('{"id":"x"}'));
    await new Promise((resolve) => setImmediate(resolve));
    goOn();
    const { text } = await opening;
    expect(text.indexOf('"first"')).to.be.greaterThan(0).and.lessThan(text.indexOf('{"of":"a"}'));
    streams.end();
  });

  it('let a client go that reads nothing', async () => {
    const one = await open('a');
    one.writableLength = 2 * 1024 * 1024;
    await until(() => one.destroyed);
    expect(streams.open).to.equal(0);
  });
});
