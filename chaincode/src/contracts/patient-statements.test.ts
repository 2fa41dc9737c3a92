/** Where a patient has a key of her own, nobody appeals or confirms a visit in her name without her signature. */

import { expect } from 'chai';
import { CompactSign, compactVerify, exportJWK } from 'jose';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { keyMarkName, keyMarkOf } from '../model/key-marks.ts';
import { privateKeys } from '../model/keys.ts';
import type { PatientKey } from '../model/patient-keys.ts';
import { type PatientStatement, type Signed, signedIn } from '../model/patient-statements.ts';
import { confirmationOf } from '../model/visits.ts';
import { type ExampleKey, newKey } from './example-keys.fixture.ts';
import { codeOf, exampleUuid, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: ID, patient, encounter, response } = exampleIds;
const owner = { provider: 'hospital', patient };
const WHEN = '2026-02-20T08:00:00.000Z';

describe('What a patient with a key of her own says of her claims', () => {
  let story: Story;
  let key: ExampleKey;
  before(async () => {
    key = await newKey();
  });
  beforeEach(async () => {
    story = new Story(wideConsortium);
    story.isConfirmed = false;
    await story.prepare();
  });

  /** Her keys as provider and custodian hold them, and as a mark. */
  async function keyed(change: Partial<PatientKey> = {}, n = 1, by = key): Promise<void> {
    const { x = '', y = '' } = await exportJWK(by.pair.publicKey);
    const from = '2026-01-01T00:00:00.000Z';
    const one: PatientKey = { x, y, how: 'enrolled', via: exampleUuid(801), addedAt: from, from, ...change };
    const mark = canonicalJson(keyMarkOf(owner, [one], exampleSalt(String(n))));
    for (const place of ['care_hospital', 'marks'])
      story.ledger.private.set(`${place} ${privateKeys.keyMark(keyMarkName(owner), n)}`, mark);
  }
  async function jwsOf(statement: PatientStatement, when = WHEN, by = key): Promise<string> {
    const { reason, ...said } = statement;
    const text = canonicalJson({ ...said, when, ...(reason === undefined ? {} : { reason }) });
    const header = { alg: 'ES256', kid: by.thumbprint, typ: 'telemed-statement+jws' };
    return new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(by.pair.privateKey);
  }
  async function signed(statement: PatientStatement, when = WHEN, by = key): Promise<Signed> {
    return signedIn(await jwsOf(statement, when, by), statement)!;
  }
  async function refused(code: string, action: () => Promise<unknown>): Promise<void> {
    const before = story.snapshot();
    expect(await codeOf(action())).to.equal(code);
    expect(story.snapshot()).to.equal(before);
  }

  describe('is an appeal', () => {
    const appealed: PatientStatement = {
      ...owner,
      act: 'appeal',
      about: `ClaimResponse/${response}`,
      reason: 'I was there',
    };
    const appeal = (sent: Signed | undefined, reason = 'I was there'): Promise<unknown> => {
      const request: Request<'AppealClaim'> = {
        ...{ from: 'patients', role: 'system', input: { id: ID, payer: 'payer' }, time: WHEN },
        private: {
          ...{ taskId: exampleIds.notice, salt: exampleSalt('8'), reason, patient, ...story.standing(ID) },
          ...(sent === undefined ? {} : { signed: sent }),
        },
      };
      return story.ledger.submit('AppealClaim', request);
    };
    beforeEach(async () => {
      await story.submitClaim();
      await story.ledger.submit('AdjudicateClaim', story.decision('Practitioner/a', { outcome: 'deny', reason: 'no' }));
    });

    it('that everybody who reads it can check by her signature', async () => {
      await keyed();
      await appeal(await signed(appealed));
      expect(story.status().status).to.equal('appealed');
      const { resource } = story.ledger.read(PROVIDER, privateKeys.claimTask(ID, 3)) as { resource: Changeable };
      const { valueSignature } = resource['extension'][0];
      expect(valueSignature).to.deep.include({ when: WHEN, who: { reference: `Patient/${patient}` } });
      const jws = Buffer.from(valueSignature.data, 'base64').toString();
      const { payload } = await compactVerify(jws, key.pair.publicKey);
      expect(JSON.parse(Buffer.from(payload).toString())).to.deep.equal({ ...appealed, when: WHEN });
    });

    const WRONG: [string, () => Promise<Signed | undefined>][] = [
      ['no signature', async () => undefined],
      ['another key', async () => signed(appealed, WHEN, await newKey())],
      ['another decision', () => signed({ ...appealed, about: `ClaimResponse/${exampleIds.other}` })],
      ['another reason', () => signed({ ...appealed, reason: 'I was not' })],
      ['another patient', () => signed({ ...appealed, patient: exampleIds.other })],
      ['another provider', () => signed({ ...appealed, provider: 'clinic' })],
      ['a confirmation', () => signed({ ...owner, act: 'confirm', about: appealed.about, reason: 'I was there' })],
      ['one signed over seven days ago', () => signed(appealed, '2026-02-13T07:00:00.000Z')],
      ['one signed in the future', () => signed(appealed, '2026-02-20T09:00:00.000Z')],
      ['a time of another', async () => ({ ...(await signed(appealed)), when: '2026-02-19T08:00:00.000Z' })],
    ];
    for (const [title, sent] of WRONG)
      it(`that is refused with ${title}`, async () => {
        await keyed();
        const one = await sent();
        await refused('FORBIDDEN private.signed', () => appeal(one));
      });

    it('for which a key counts while it is in force, the newest state of her keys alone', async () => {
      const sent = await signed(appealed);
      await refused('INVALID private.signed', () => appeal(sent));
      await keyed();
      await keyed({}, 2, await newKey());
      await refused('FORBIDDEN private.signed', () => appeal(sent));
      await keyed({ until: '2026-02-01T00:00:00.000Z', ended: 'revoked' }, 3);
      await refused('INVALID private.signed', () => appeal(sent));
      await appeal(undefined);
    });

    it('for which nobody exchanges the mark of her keys', async () => {
      await keyed();
      const other = await newKey();
      const { x = '', y = '' } = await exportJWK(other.pair.publicKey);
      const from = '2026-01-01T00:00:00.000Z';
      const one: PatientKey = { x, y, how: 'enrolled', via: exampleUuid(801), addedAt: from, from };
      const place = privateKeys.keyMark(keyMarkName(owner), 1);
      story.ledger.private.set(`marks ${place}`, canonicalJson(keyMarkOf(owner, [one], exampleSalt('1'))));
      const sent = await signed(appealed, WHEN, other);
      await refused('CONFLICT patient', () => appeal(sent));
    });
  });

  describe('is the confirmation of a visit', () => {
    const raised = (): string[] => {
      const { edits } = story.ledger.read(PAYER, `response/${ID}`) as { edits: { edit: string; outcome: string }[] };
      return [...new Set(edits.filter(({ outcome }) => outcome === 'signal').map(({ edit }) => edit))];
    };
    const said = async (sent: Signed | undefined, word: 'confirmed' | 'disputed' = 'confirmed'): Promise<string[]> => {
      const request = story.saying(word);
      const more = sent === undefined ? {} : { signed: sent };
      await story.ledger.submit('SayOfVisit', { ...request, private: { ...request.private!, ...more }, time: WHEN });
      await story.submitClaim();
      await story.adjudicate();
      return raised();
    };
    const confirmed = confirmationOf(owner, encounter);

    it('which counts with her signature, at every endorser of a claim', async () => {
      await keyed();
      expect(await said(await signed(confirmed))).to.deep.equal([]);
    });

    const WRONG: [string, () => Promise<Signed | undefined>][] = [
      ['no signature', async () => undefined],
      ['another key', async () => signed(confirmed, WHEN, await newKey())],
      ['another visit', () => signed(confirmationOf(owner, exampleIds.other))],
      ['one signed too long ago', () => signed(confirmed, '2026-02-01T08:00:00.000Z')],
    ];
    for (const [title, sent] of WRONG)
      it(`which counts for nothing with ${title}`, async () => {
        await keyed();
        expect(await said(await sent())).to.deep.equal(['visit-unconfirmed']);
      });

    it('which counts without where she had no key when it was written', async () => {
      await keyed({ from: '2026-02-21T00:00:00.000Z' });
      expect(await said(undefined)).to.deep.equal([]);
    });

    it('and a dispute, which takes no signature', async () => {
      await keyed();
      expect(await said(undefined, 'disputed')).to.include('visit-disputed');
    });
  });
});
