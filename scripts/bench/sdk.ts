/**
 * The same write without a gateway in between: one Observation by the bare fabric-gateway SDK, endorsed, submitted and
 * waited for until it is committed.
 */
import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { type Contract, connect, type Gateway, hash, signers } from '@hyperledger/fabric-gateway';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { qualifiedName, TRANSIENT_KEY } from '@telemed-ledger/chaincode/model/transactions.ts';
import { newSigner } from '@telemed-ledger/gateway-api/ledger/signer.ts';
import { newObservation } from './observations.ts';

/** connection.json of an organisation. */
interface Profile {
  endpoint: string;
  tlsRootCertificate: string;
  tlsServerName?: string;
  mspId: string;
  channel: string;
  chaincode: string;
  identities: Record<string, { certificate: string; privateKey: string }>;
}

const MESSAGE_BYTES = 100 * 1024 * 1024;
const VALID = 0;

export interface BareSdk {
  /** One write, signed by OpenSSL as the gateway does. */
  create(): Promise<void>;
  /** One write, signed by the SDK's own signer. */
  createWithDefaultSigner(): Promise<void>;
  close(): void;
}

/** @param endorsers MSP ids that endorse a record, the caller's own first */
export function openSdk(profileFile: string, patientId: string, endorsers: string[]): BareSdk {
  const profile = JSON.parse(readFileSync(profileFile, 'utf8')) as Profile;
  const read = (file: string) => readFileSync(resolve(dirname(profileFile), file));
  const client = new Client(profile.endpoint, credentials.createSsl(read(profile.tlsRootCertificate)), {
    'grpc.max_receive_message_length': MESSAGE_BYTES,
    'grpc.max_send_message_length': MESSAGE_BYTES,
    ...(profile.tlsServerName === undefined ? {} : { 'grpc.ssl_target_name_override': profile.tlsServerName }),
  });
  const { certificate, privateKey } = profile.identities['system'] ?? { certificate: '', privateKey: '' };
  const identity = { mspId: profile.mspId, credentials: read(certificate) };
  const key = read(privateKey);
  const signer = newSigner(key.toString());
  const fast = connect({ client, identity, signer, hash: hash.none });
  const usual = connect({ client, identity, signer: signers.newPrivateKeySigner(createPrivateKey(key)) });
  const contractOf = (gateway: Gateway) => gateway.getNetwork(profile.channel).getContract(profile.chaincode);
  const [fastContract, usualContract] = [contractOf(fast), contractOf(usual)];
  return {
    create: () => record(fastContract, patientId, endorsers),
    createWithDefaultSigner: () => record(usualContract, patientId, endorsers),
    close: () => {
      fast.close();
      usual.close();
      client.close();
    },
  };
}

const newSalt = (): string => randomBytes(32).toString('hex');

async function record(contract: Contract, patientId: string, endorsers: string[]): Promise<void> {
  const sheet = randomUUID();
  const id = recordIdAt({ sheet, index: 0 }, 'Observation');
  const resource = canonicalJson({ ...newObservation(patientId), id });
  const sheets = [{ id: sheet, salt: newSalt(), records: [{ id, version: 1, salt: newSalt(), resource }] }];
  const submitted = await contract.submitAsync(qualifiedName('RecordVersions'), {
    arguments: ['{}'],
    transientData: { [TRANSIENT_KEY]: JSON.stringify({ sheets }) },
    endorsingOrganizations: endorsers,
  });
  const { code } = await submitted.getStatus();
  if (code !== VALID) throw new Error(`the transaction was invalidated with code ${code}`);
}
