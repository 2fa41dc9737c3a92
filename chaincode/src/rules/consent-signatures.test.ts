import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { exportJWK } from 'jose';
import { type ExampleKey, newKey, signed } from '../contracts/example-keys.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { keyInRequest } from '../model/csr.ts';
import { parseExact } from '../model/numbers.ts';
import type { PatientKey } from '../model/patient-keys.ts';
import { keyAt, keyNamed, keyNow } from '../model/patient-keys.ts';
import type { Draft } from '../model/values.ts';
import { isUnsigned, type Signing, signatureDoubts } from './consent-signatures.ts';

const NOW = '2026-03-01T12:00:00.000Z';

describe("a patient's signature in a consent", () => {
  let key: ExampleKey;
  let draft: Draft;
  let signing: Signing;
  before(async () => {
    key = await newKey();
    const { x = '', y = '' } = await exportJWK(key.pair.publicKey);
    const patient = randomUUID();
    const id = randomUUID();
    const resource = {
      ...{ resourceType: 'Consent', id, status: 'active', patient: { reference: `Patient/${patient}` } },
      ...{ dateTime: '2026-03-01', provision: { type: 'permit', period: { end: '2027-01-01' } } },
    };
    draft = await signed({ id, version: 1, salt: '0'.repeat(64), resource }, key, NOW);
    const ring: PatientKey[] = [{ x, y, how: 'enrolled', via: patient, addedAt: NOW, from: NOW }];
    signing = { id, version: 1, provider: 'hospital', patient, now: NOW, ring };
  });

  it('is refused by every change of one character', () => {
    const text = canonicalJson(draft.resource);
    let changed = 0;
    for (let at = 0; at < text.length; at += 1)
      for (const other of ['0', 'A', ' ']) {
        const mutated = `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
        const resource = parsed(mutated);
        if (resource === undefined || canonicalJson(resource) === text) continue;
        changed += 1;
        expect(signatureDoubts(resource, signing), `${at} ${other}`).to.have.length(1);
        expect(isUnsigned(resource, signing), `${at} ${other}`).to.equal(true);
      }
    expect(changed).to.be.greaterThan(500);
    expect(signatureDoubts(draft.resource, signing)).to.deep.equal([]);
    expect(isUnsigned(draft.resource, signing)).to.equal(false);
  }).timeout(20_000);

  const parsed = (text: string): Record<string, unknown> | undefined => {
    try {
      return parseExact(text) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  };

  it('is that of the key in the request, which other bytes are not', () => {
    const bytes = Buffer.from(key.request, 'base64');
    const [one] = signing.ring!;
    expect(keyInRequest(bytes)).to.deep.equal({ x: one!.x, y: one!.y });
    for (const [at] of bytes.entries()) {
      const other = Buffer.from(bytes);
      other[at]! ^= 1;
      expect(keyInRequest(other), String(at)).to.equal(undefined);
    }
    for (const length of [0, 1, 2, 50, bytes.length - 1])
      expect(keyInRequest(bytes.subarray(0, length))).to.equal(undefined);
    expect(keyInRequest(Buffer.concat([bytes, Buffer.from([0])]))).to.equal(undefined);
  });

  it('is by one key at a time, whatever follows what', () => {
    const times = fc
      .integer({ min: 0, max: 50 })
      .map((hours) => new Date(Date.parse(NOW) + hours * 3_600_000).toISOString());
    const rings = fc.array(fc.record({ at: times, ends: fc.boolean() }), { minLength: 1, maxLength: 4 }).map((all) => {
      const starts = [...new Set(all.map(({ at }) => at))].sort();
      return starts.map((from, index): PatientKey => {
        const next = starts[index + 1];
        const until = all[index]!.ends && next === undefined ? undefined : next;
        return {
          x: 'x'.repeat(43),
          y: String(index).repeat(43).slice(0, 43),
          how: 'enrolled',
          via: '',
          addedAt: from,
          from,
          ...(until && { until }),
        };
      });
    });
    fc.assert(
      fc.property(rings, times, (ring, time) => {
        const key = keyAt(ring, time);
        expect(key === undefined).to.equal(
          ring.every(({ from, until }) => from > time || (until !== undefined && until <= time)),
        );
        expect(keyNow(ring, time)).to.equal(ring.at(-1)!.until === undefined ? ring.at(-1) : undefined);
        expect(keyNamed(ring, 'none', time)).to.equal(undefined);
      }),
    );
  });
});
