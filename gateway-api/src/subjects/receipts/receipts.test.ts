/** Receipts of a whole consortium, checked by the verifier and by code that is not ours. */
import { randomUUID } from 'node:crypto';
import { Sign1 } from '@auth0/cose';
import { LogCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js';
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js';
import { BadReceipt, checkReceipt, type Roots, type Seen } from '@telemed-ledger/verifier/check.ts';
import { type CoseProof, coseBytes, readCose } from '@telemed-ledger/verifier/cose.ts';
import { type Proof, proofText, readProof } from '@telemed-ledger/verifier/proof.ts';
import { decode as decodeCbor } from 'cborg';
import { expect } from 'chai';
import { importJWK } from 'jose';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';
import { LedgerConnection } from '../../ledger/connect.ts';
import { observationOf } from './observation.fixture.ts';
import { authorityOf, rootsAt } from './roots.fixture.ts';

const NAMES = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];
const NEEDED = 4;
const bytes = (text: string) => new TextEncoder().encode(text);

describe('Receipts', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let roots: Roots;
  let record: { id: string; transactionId: string; family: string };
  let receipt: string;

  const text = async (as: string, path: string): Promise<string | undefined> => {
    const { status, body } = await consortium.send(as, `GET ${path}`);
    return status === 200 ? (body as string) : undefined;
  };
  const receiptOf = async (as: string, path: string): Promise<string> => {
    let found: string | undefined;
    await until(async () => {
      found = await text(as, path);
      return found !== undefined;
    }, 30_000);
    return found!;
  };
  const refusal = async (
    changed: string | Uint8Array,
    other: Roots = roots,
    seen: Seen = new Map(),
  ): Promise<string> => {
    const bytesOf = typeof changed === 'string' ? bytes(changed) : changed;
    return checkReceipt(bytesOf, other, seen).then(
      () => 'holds',
      (error) => {
        expect(error).to.be.instanceOf(BadReceipt);
        return (error as Error).message;
      },
    );
  };
  const changed = (change: (proof: Proof) => void): string => {
    const proof = readProof(receipt);
    change(proof);
    return proofText(proof);
  };

  before(async () => {
    consortium = await FixtureConsortium.start([]);
    for (const name of NAMES) await consortium.open(name, { checkpointEveryMs: 100, dutyIntervalMs: 1_000 });
    const family = `Family ${randomUUID()}`;
    const patient = { resourceType: 'Patient', name: [{ family }] };
    const { headers, body } = await consortium.send('hospital', 'POST /fhir/R4/Patient', patient);
    record = { id: body.id, transactionId: headers.get('x-transaction-id')!, family };
    roots = await rootsAt(consortium, 'bank');
    receipt = await receiptOf('hospital', `/resource-receipts/Patient/${record.id}/1/tlog-proof`);
  });
  after(() => consortium?.close());

  it('prove a record to whoever has the roots', async () => {
    const { content, entry, witnesses, proved, notProved } = await checkReceipt(bytes(receipt), roots);
    expect(JSON.parse(content!.text!).resource.name[0].family).to.equal(record.family);
    expect(entry).to.include({ transactionId: record.transactionId, code: 0 });
    expect(witnesses.length).to.be.at.least(NEEDED);
    expect(proved.length).to.equal(2);
    expect(notProved.join()).to.match(/still in force/);
  });

  it('prove a transaction of hashes alone to everybody, at every member alike', async () => {
    for (const name of ['bank', 'regulator']) {
      const proof = await receiptOf(`${name} system`, `/receipts/${record.transactionId}/tlog-proof`);
      expect(proof).not.to.contain(record.family);
      const { entry, content } = await checkReceipt(bytes(proof), roots);
      expect(content).to.equal(undefined);
      expect(entry.transactionId).to.equal(record.transactionId);
    }
  });

  it('are given of content only to those who may read it', async () => {
    const path = `/resource-receipts/Patient/${record.id}/1/tlog-proof`;
    expect((await consortium.send('bank', `GET ${path}`)).status).to.equal(404);
    expect((await consortium.send('hospital operator', `GET ${path}`)).status).to.equal(403);
    expect((await consortium.send('patients patient Patient/another', `GET ${path}`)).status).to.equal(404);
    const own = await receiptOf(`patients patient Patient/${record.id}`, path);
    expect((await checkReceipt(bytes(own), roots)).content?.text).to.contain(record.family);
  });

  it('prove a correction that was asked for, its answer, and a restriction, to those whom they concern', async () => {
    const herself = `patients patient Patient/${record.id}`;
    const observation = await observationOf(consortium, record.id);
    const at = `/fhir/R4/Observation/${observation}`;
    const words = `It was the left foot: ${randomUUID()}`;
    const parameters = { resourceType: 'Parameters', parameter: [{ name: 'text', valueString: words }] };
    const asked = await consortium.send(herself, `POST ${at}/$request-correction`, parameters);
    expect(asked.status, JSON.stringify(asked.body)).to.equal(201);
    const place = asked.headers.get('location')!;
    const first = await checkReceipt(bytes(await receiptOf(herself, `${place}/tlog-proof`)), roots);
    expect(JSON.parse(first.content!.value)).to.include({ words, record: observation, provider: 'hospital' });
    await until(async () => (await consortium.send('hospital', `GET ${place}`)).status === 200, 20_000);
    const answer = { outcome: 'refused', reason: 'The picture shows the right one.' };
    expect((await consortium.send('hospital', `POST ${place}/answer`, answer)).status).to.equal(200);
    await until(async () => (await consortium.send(herself, `GET ${place}`)).body.status === 'rejected', 20_000);
    for (const as of [herself, 'hospital', 'patients']) {
      const { content } = await checkReceipt(bytes(await receiptOf(as, `${place}/tlog-proof`)), roots);
      expect(JSON.parse(content!.value)).to.include({ outcome: 'refused', reason: answer.reason });
    }
    for (const [name, status] of [
      ['restrict', 'restricted'],
      ['lift-restriction', 'lifted'],
    ] as const) {
      expect((await consortium.send(herself, `POST ${at}/$${name}`)).status).to.equal(200);
      const { restrictions } = (await consortium.send(herself, 'GET /restrictions')).body;
      expect(restrictions).to.have.length(1);
      expect(restrictions[0]).to.include({ record: `Observation/${observation}`, status, provider: 'hospital' });
      const proof = await receiptOf(herself, `/restrictions/${observation}/tlog-proof`);
      const { content, entry } = await checkReceipt(bytes(proof), roots);
      expect(entry.transactionId).to.equal(restrictions[0].transactionId);
      expect(content?.key).to.match(new RegExp(`^restricted/[0-9a-f]{64}/${status === 'restricted' ? 1 : 2}$`));
      expect(JSON.parse(content!.value).at).to.equal(restrictions[0].since);
    }
    const other = 'patients patient Patient/another';
    for (const [as, path] of [
      [other, place],
      ['clinic', place],
      [other, `/restrictions/${observation}`],
      ['clinic', `/restrictions/${observation}`],
      ['bank', `/restrictions/${observation}`],
    ] as const)
      expect((await consortium.send(as, `GET ${path}/tlog-proof`)).status, `${as} ${path}`).to.equal(404);
    expect((await consortium.send(other, `GET /restrictions?patient=${record.id}`)).body.restrictions).to.deep.equal(
      [],
    );
  });

  it('are read by tools that are not ours: a C2SP checkpoint, and an inclusion proof of RFC 6962', () => {
    const { checkpoint, extra, index, path } = readProof(receipt);
    const read = LogCheckpoint.fromString(checkpoint);
    const { size } = { size: Number(read.logSize) };
    const hashes = path.map((hash) => Buffer.from(hash));
    const inclusionProof = { logIndex: String(index), treeSize: String(size), hashes, rootHash: read.logHash };
    const entry = { canonicalizedBody: Buffer.from(extra.entry), inclusionProof };
    verifyMerkleInclusion(entry as never, read);
    const other = { ...entry, canonicalizedBody: Buffer.from(extra.entry.replace('code 0', 'code 1')) };
    expect(() => verifyMerkleInclusion(other as never, read)).to.throw(/root hash/);
  });

  it('are refused with any byte changed', async () => {
    const whole = bytes(receipt);
    const accepted: number[] = [];
    // What was not changed is checked once.
    const seen: Seen = new Map();
    for (let at = 0; at < whole.length; at += 1) {
      const mutated = whole.slice();
      mutated[at]! ^= 1 + (at % 127);
      if ((await refusal(mutated, roots, seen)) === 'holds') accepted.push(at);
    }
    expect(accepted).to.deep.equal([]);
    for (const other of [
      `${receipt}\n`,
      receipt.slice(0, -1),
      `\ufeff${receipt}`,
      ` ${receipt}`,
      receipt + receipt,
      '',
    ])
      expect(await refusal(other)).not.to.equal('holds');
  });

  describe('in COSE', () => {
    let cose: Buffer;
    const coseOf = async (as: string, path: string): Promise<Buffer> => {
      const [organisation = '', role = 'system'] = as.split(' ');
      const authorization = `Bearer ${await consortium.token(organisation, role as 'system')}`;
      let found: Response | undefined;
      await until(async () => {
        found = await fetch(consortium.urls.get(organisation) + path, { headers: { authorization } });
        return found.status === 200;
      }, 30_000);
      expect(found?.headers.get('content-type')).to.equal('application/scitt-statement+cose');
      return Buffer.from(await found!.arrayBuffer());
    };
    const rewritten = (change: (proof: CoseProof) => void): Uint8Array => {
      const proof = readCose(cose);
      change(proof);
      return coseBytes(proof);
    };
    before(async () => {
      cose = await coseOf('hospital', `/resource-receipts/Patient/${record.id}/1/cose-receipt`);
    });

    it('prove the same record under the same roots', async () => {
      const { content, entry, witnesses, tree } = await checkReceipt(cose, roots);
      expect(JSON.parse(content!.text!).resource.name[0].family).to.equal(record.family);
      expect(entry).to.include({ transactionId: record.transactionId, code: 0 });
      expect(witnesses.length).to.be.at.least(NEEDED);
      const { body } = await consortium.send('bank', `GET /ledger-tree?size=${tree.size}`);
      expect(tree.root).to.equal(body.root);
      const bare = await coseOf('bank', `/receipts/${record.transactionId}/cose-receipt`);
      expect((await checkReceipt(bare, roots)).content).to.equal(undefined);
      expect(bare.includes(record.family)).to.equal(false);
    });

    it('are read by libraries that are not ours: COSE_Sign1, RFC9162_SHA256, Ed25519', async () => {
      const statement = Sign1.decode(cose);
      const receipts = statement.unprotectedHeaders.get(394 as never) as unknown as Uint8Array[];
      expect(receipts.length).to.be.at.least(NEEDED);
      for (const bytesOfOne of receipts) {
        const one = Sign1.decode(bytesOfOne);
        const header = one.protectedHeaders as unknown as Map<number, unknown>;
        expect([header.get(1), header.get(395)]).to.deep.equal([-8, 1]);
        expect(one.payload).to.equal(null);
        const proofs = one.unprotectedHeaders.get(396 as never) as unknown as Map<number, Uint8Array[]>;
        const [size, index, path] = decodeCbor(proofs.get(-1)![0]!) as [number, number, Uint8Array[]];
        const { body } = await consortium.send('regulator', `GET /ledger-tree?size=${size}`);
        const logHash = Buffer.from(body.root, 'hex');
        const hashes = path.map((hash) => Buffer.from(hash));
        const inclusionProof = { logIndex: String(index), treeSize: String(size), hashes, rootHash: logHash };
        const entry = { canonicalizedBody: Buffer.from(statement.payload), inclusionProof };
        verifyMerkleInclusion(entry as never, { logSize: BigInt(size), logHash } as never);
        const x = Buffer.from(header.get(4) as Uint8Array).toString('base64url');
        const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA');
        await one.verify(key as never, { detachedPayload: logHash });
        const other = await one.verify(key as never, { detachedPayload: Buffer.alloc(32) }).catch(() => 'refused');
        expect(other).to.equal('refused');
      }
    });

    it('are refused with any byte changed', async () => {
      const accepted: number[] = [];
      // What was not changed is checked once.
      const seen: Seen = new Map();
      for (let at = 0; at < cose.length; at += 1) {
        const mutated = Buffer.from(cose);
        mutated[at]! ^= 1 + (at % 127);
        if ((await refusal(mutated, roots, seen)) === 'holds') accepted.push(at);
      }
      expect(accepted).to.deep.equal([]);
      for (const other of [Buffer.concat([cose, Buffer.of(0)]), cose.subarray(0, -1), cose.subarray(1)])
        expect(await refusal(other)).not.to.equal('holds');
    });

    it('are refused under too few members, one several times, another size, place or entry', async () => {
      expect(await refusal(rewritten(({ receipts }) => void receipts.splice(1)))).to.match(/1 members have signed it/);
      const twice = rewritten(({ receipts }) => void receipts.fill(receipts[0]!));
      expect(await refusal(twice)).to.match(/signs twice/);
      for (const change of [{ size: 1 }, { index: 1 }, { path: [] }])
        expect(
          await refusal(rewritten((proof) => void Object.assign(proof, change))),
          JSON.stringify(change),
        ).not.to.equal('holds');
      const larger = rewritten((proof) => void Object.assign(proof, { size: proof.size + 1 }));
      expect(await refusal(larger)).not.to.equal('holds');
      const code = rewritten((proof) => void Object.assign(proof, { entry: proof.entry.replace('code 0', 'code 11') }));
      expect(await refusal(code)).not.to.equal('holds');
      const text = rewritten(({ content }) => {
        content!.record!.text = content!.record!.text.replace(record.family, 'Family other');
      });
      expect(await refusal(text)).to.match(/not on its sheet/);
      expect(await refusal(cose, { ...roots, channel: 'other' })).to.match(/another ledger/);
    });
  });

  it('are refused under too few members, or one member several times', async () => {
    const one = changed((proof) => {
      proof.signatures.splice(1);
      proof.extra.witnesses.splice(1);
    });
    expect(await refusal(one)).to.equal(`1 members have signed it, ${NEEDED} are needed`);
    const twice = changed((proof) => {
      proof.signatures.fill(proof.signatures[0]!);
      proof.extra.witnesses.fill(proof.extra.witnesses[0]!);
    });
    expect(await refusal(twice)).to.equal('a member signs twice');
  });

  it('are refused with another validation code, a path cut short, another place, another content', async () => {
    const code = changed(({ extra }) => {
      extra.entry = extra.entry.replace('code 0', 'code 11');
    });
    expect(await refusal(code)).to.match(/not in the tree/);
    expect(await refusal(changed(({ path }) => void path.pop()))).to.match(/not in the tree/);
    expect(await refusal(changed((proof) => void Object.assign(proof, { index: proof.index + 1 })))).to.match(
      /not in the tree/,
    );
    const content = changed(({ extra }) => {
      const shown = extra.content!.record!;
      shown.text = shown.text.replace(record.family, 'Family other');
    });
    expect(await refusal(content)).to.match(/not on its sheet/);
    const key = changed(({ extra }) => void Object.assign(extra.content!, { key: `${extra.content!.key}x` }));
    expect(await refusal(key)).to.match(/did not write/);
  });

  it('are refused of another channel, of another ledger, of authorities that are not the roots', async () => {
    expect(await refusal(receipt, { ...roots, channel: 'other' })).to.match(/another ledger/);
    expect(await refusal(receipt, { ...roots, genesis: '0'.repeat(64) })).to.match(/another ledger/);
    const foreign = roots.organisations.map((one) => ({ ...one, authorities: [authorityOf(consortium, 'bank')] }));
    expect(await refusal(receipt, { ...roots, organisations: foreign })).to.match(/of no authority|of no member/);
    const fewer = roots.organisations.filter(({ mspId }) => mspId === 'BankMSP');
    expect(await refusal(receipt, { ...roots, organisations: fewer })).to.match(/no member of this consortium/);
  });

  it('are refused under a certificate that was revoked', async () => {
    // Loaded after the verifier, which brings what it asks for.
    const { X509Certificate, X509CrlGenerator } = await import('@peculiar/x509');
    const [first] = readProof(receipt).extra.witnesses;
    const certificate = new X509Certificate(first!.certificate);
    const mspId = first!.statement.split('\n')[2]!;
    const { name } = consortium.members.organisations.find((one) => one.mspId === mspId)!;
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const der = Buffer.from(authorityOf(consortium, name, 'ca.key').replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const signingKey = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
    const list = await X509CrlGenerator.create({
      ...{
        issuer: new X509Certificate(authorityOf(consortium, name)).subject,
        signingAlgorithm: algorithm,
        signingKey,
      },
      nextUpdate: new Date(Date.now() + 86_400_000),
      entries: [{ serialNumber: certificate.serialNumber, revocationDate: new Date() }],
    });
    const revoking = roots.organisations.map((one) =>
      one.mspId === mspId ? { ...one, revocations: [list.toString('pem')] } : one,
    );
    expect(await refusal(receipt, { ...roots, organisations: revoking })).to.match(/is revoked/);
  });

  it('name a member that signs another tree than the others have', async () => {
    const input = { size: 1, root: 'ab'.repeat(32), time: 1_800_000_000, publicKey: 'cd'.repeat(32) };
    const argument = JSON.stringify({ ...input, signature: 'ef'.repeat(64) });
    const { connection: settings, timeouts } = await consortium.config('bank');
    const connection = new LedgerConnection(settings, timeouts);
    const identity = await consortium.identities('bank').of('system');
    try {
      await connection.contract(identity).submit('witnesses:CosignCheckpoint', {
        ...{ arguments: [argument], endorsingOrganizations: ['BankMSP', 'RegulatorMSP'] },
      });
    } finally {
      connection.close();
    }
    const disagreeing = async () => {
      const { body } = await consortium.send('hospital', 'GET /witnesses');
      return body.witnesses.filter(({ agrees }: { agrees: boolean }) => !agrees);
    };
    await until(async () => (await disagreeing()).length > 0);
    const found = await disagreeing();
    expect(found.map(({ mspId, size }: { mspId: string; size: number }) => [mspId, size])).to.deep.equal([
      ['BankMSP', 1],
    ]);
    expect(await refusal(await receiptOf('clinic', `/receipts/${record.transactionId}/tlog-proof`))).to.equal('holds');
  });

  it('end: signatures themselves are no reason to sign', async () => {
    const sizes = async () => {
      const { body } = await consortium.send('hospital', 'GET /witnesses');
      return new Set(body.witnesses.map(({ size }: { size: number }) => size)).size;
    };
    let [before, now] = [-1, await sizes()];
    await until(async () => {
      [before, now] = [now, await sizes()];
      await new Promise((resolve) => setTimeout(resolve, 500));
      return before === now;
    }, 20_000);
    expect(now).to.be.lessThan(30);
  });
});
