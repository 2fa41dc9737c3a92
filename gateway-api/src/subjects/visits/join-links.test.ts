import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { jwtVerify } from 'jose';
import { JoinLinks, videoSchema } from './join-links.ts';

const SECRET = 'a secret of more than thirty-two bytes';

describe('links to video calls', () => {
  let directory: string;
  let secretFile: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'telemed-video-'));
    secretFile = join(directory, 'secret');
    writeFileSync(secretFile, `${SECRET}\n`);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const jitsi = (change: object = {}) => ({
    clinic: { ...{ adapter: 'jitsi', url: 'https://meet.example', appId: 'telemed', secretFile }, ...change },
  });
  const tokenIn = async (link: string) => {
    const [, room, token = ''] = /^https:\/\/meet\.example\/([0-9a-f]{32})\?jwt=(.+)$/.exec(link) ?? [];
    const { payload } = await jwtVerify(token, Buffer.from(SECRET), { audience: 'jitsi', issuer: 'telemed' });
    return { room, payload };
  };

  it('to Jitsi bear a token for one room and one participant, which soon ends', async () => {
    const [own, others] = [await JoinLinks.open(jitsi()), await JoinLinks.open(jitsi())];
    const visit = { provider: 'clinic', id: 'e1' };
    const of = async (links: JoinLinks, id: string, who: string) =>
      tokenIn((await links.to({ ...visit, id, who }))!.link);
    const doctor = await of(own, 'e1', 'Practitioner/d');
    const patient = await of(others, 'e1', 'Patient/p');
    expect(patient.room).to.equal(doctor.room);
    expect(patient.payload['room']).to.equal(doctor.room);
    const elsewhere = await of(own, 'e2', 'Practitioner/d');
    expect(elsewhere.room).to.not.equal(doctor.room);
    const userOf = ({ payload }: typeof doctor) => (payload['context'] as { user: Record<string, string> }).user;
    expect([userOf(doctor)['moderator'], userOf(patient)['moderator']]).to.deep.equal(['true', 'false']);
    expect(new Set([doctor, patient, elsewhere].map((one) => userOf(one)['id'])).size).to.equal(3);
    const now = Math.floor(Date.now() / 1000);
    expect(doctor.payload.exp).to.be.within(now + 30, now + 180);
    expect(JSON.stringify([doctor, patient])).to.not.match(/e1|Practitioner\/d|Patient\/p/);
  });

  it('are of no provider that has no adapter', async () => {
    const links = await JoinLinks.open({ clinic: { adapter: 'none' } });
    expect((await links.to({ provider: 'clinic', id: 'e1', who: 'Patient/p' }))?.link).to.match(
      /^https:\/\/video\.invalid/,
    );
    expect(await links.to({ provider: 'hospital', id: 'e1', who: 'Patient/p' })).to.equal(undefined);
  });

  it('are refused at the start with settings that lack something', async () => {
    for (const change of [
      { url: 'http://meet.example' },
      { appId: '' },
      { secretFile: join(directory, 'other') },
      { more: 1 },
    ]) {
      const failed = await JoinLinks.open(jitsi(change)).then(
        () => false,
        () => true,
      );
      expect(failed, JSON.stringify(change)).to.equal(true);
    }
    writeFileSync(join(directory, 'short'), 'short');
    expect(await JoinLinks.open(jitsi({ secretFile: join(directory, 'short') })).catch(() => 'refused')).to.equal(
      'refused',
    );
    for (const adapter of ['../join-links', 'zoom', ''])
      expect(videoSchema.safeParse({ clinic: { adapter } }).success, adapter).to.equal(false);
    expect(videoSchema.safeParse(jitsi()).success).to.equal(true);
  });
});
