/**
 * What a dishonest member can do with keys of its own: call any transaction by the SDK with endorsers of its choice,
 * and, together with others, sign any writes at all as if their changed chaincode had made them.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { type Contract, connect, type Gateway, GatewayError, hash } from '@hyperledger/fabric-gateway';
import { common, gateway, ledger, msp, peer } from '@hyperledger/fabric-protos';
import { findLedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { qualifiedName, TRANSIENT_KEY, type TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { newSigner, type Signer } from '@telemed-ledger/gateway-api/ledger/signer.ts';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';

const { kvrwset } = ledger.rwset;
/** On Fabric a peer takes seconds for each block with values that it is never given. */
const DEADLINE_MS = 120_000;

/** Writes as they stand in a block: text by key, null deletes (and purges, where private). */
export interface Forged {
  public?: Record<string, string | null>;
  /** By collection. */
  private?: Record<string, Record<string, string | null>>;
  event?: { name: string; payload: string };
  namespace?: string;
  /** Seconds since 1970 in place of the time it is. */
  seconds?: number;
  /** Bytes in place of the whole transaction. */
  data?: Uint8Array;
  /** Bytes in place of every endorser's identity. */
  endorser?: Uint8Array;
}

/** Who signs an endorsement: the peer of an organisation, or one of its clients. */
export type Endorser = string | { organisation: string; role: Role };

const sha256 = (...parts: (string | Uint8Array)[]): Buffer =>
  parts.reduce((digest, part) => digest.update(part), createHash('sha256')).digest();

const mspIdOf = (organisation: string): string => `${organisation[0]!.toUpperCase()}${organisation.slice(1)}MSP`;

function serialized(organisation: string, certificate: Uint8Array): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspIdOf(organisation));
  identity.setIdBytes(certificate);
  return identity.serializeBinary();
}

/** One organisation's client at its own peer, or at another's. */
export class Attacker {
  readonly #dataDir: string;
  readonly #client: Client;
  readonly #gateway: Gateway;
  readonly #creator: Uint8Array;
  readonly #signer: Signer;

  constructor(dataDir: string, organisation: string, role: Role = 'system', at = organisation) {
    this.#dataDir = dataDir;
    const file = join(dataDir, 'organisations', at, 'connection.json');
    const { endpoint, tlsRootCertificate, tlsServerName } = JSON.parse(readFileSync(file, 'utf8'));
    const name = tlsServerName === undefined ? {} : { 'grpc.ssl_target_name_override': tlsServerName };
    this.#client = new Client(endpoint, credentials.createSsl(readFileSync(tlsRootCertificate)), name);
    const directory = this.#identityOf({ organisation, role });
    const certificate = readFileSync(join(directory, 'cert.pem'));
    this.#signer = newSigner(readFileSync(join(directory, 'key.pem'), 'utf8'));
    const identity = { mspId: mspIdOf(organisation), credentials: certificate };
    this.#gateway = connect({ client: this.#client, identity, signer: this.#signer, hash: hash.none });
    this.#creator = serialized(organisation, certificate);
  }

  get network() {
    return this.#gateway.getNetwork('telemed');
  }

  get contract(): Contract {
    return this.network.getContract('telemed');
  }

  close(): void {
    this.#gateway.close();
    this.#client.close();
  }

  /** Endorses honestly at organisations of the caller's choice and submits; answers the validation code. */
  async submit(name: TransactionName, input: object, hidden: object | undefined, endorsers: string[]): Promise<number> {
    const submitted = await this.contract.submitAsync(qualifiedName(name), {
      arguments: [JSON.stringify(input)],
      ...(hidden === undefined ? {} : { transientData: { [TRANSIENT_KEY]: JSON.stringify(hidden) } }),
      endorsingOrganizations: endorsers.map(mspIdOf),
    });
    return (await submitted.getStatus()).code;
  }

  /** Submits writes that these endorsers sign without having run anything; answers the validation code. */
  async forge(endorsers: Endorser[], forged: Forged): Promise<number> {
    const { transactionId, payload } = await this.#payload(endorsers, forged);
    return this.send(payload, transactionId);
  }

  /** Signs and orders a payload, as often as it is called. */
  async send(payload: Uint8Array, transactionId: string): Promise<number> {
    const envelope = new common.Envelope();
    envelope.setPayload(payload);
    envelope.setSignature(await this.#signer(payload));
    const submission = new gateway.SubmitRequest();
    submission.setTransactionId(transactionId);
    submission.setChannelId('telemed');
    submission.setPreparedTransaction(envelope);
    await this.#call('Submit', submission.serializeBinary());
    const question = new gateway.CommitStatusRequest();
    question.setTransactionId(transactionId);
    question.setChannelId('telemed');
    question.setIdentity(this.#creator);
    const signed = new gateway.SignedCommitStatusRequest();
    signed.setRequest(question.serializeBinary());
    signed.setSignature(await this.#signer(question.serializeBinary()));
    const status = await this.#call('CommitStatus', signed.serializeBinary());
    return gateway.CommitStatusResponse.deserializeBinary(status).getResult();
  }

  #call(method: string, request: Uint8Array): Promise<Buffer> {
    const same = (bytes: Buffer): Buffer => bytes;
    const deadline = { deadline: Date.now() + DEADLINE_MS };
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/gateway.Gateway/${method}`,
        same,
        same,
        Buffer.from(request),
        deadline,
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      );
    });
  }

  #identityOf(endorser: Endorser): string {
    if (typeof endorser === 'string') return join(this.#dataDir, 'organisations', endorser, 'peer');
    return join(this.#dataDir, 'organisations', endorser.organisation, 'identities', endorser.role);
  }

  async #payload(endorsers: Endorser[], forged: Forged): Promise<{ transactionId: string; payload: Uint8Array }> {
    const nonce = randomBytes(24);
    const transactionId = sha256(nonce, this.#creator).toString('hex');
    const header = headerOf(transactionId, nonce, this.#creator, forged);
    const input = proposalInput();
    const response = new peer.ProposalResponsePayload();
    const [channelHeader, signatureHeader] = [header.getChannelHeader_asU8(), header.getSignatureHeader_asU8()];
    response.setProposalHash(sha256(channelHeader, signatureHeader, input));
    response.setExtension$(actionOf(forged, transactionId));
    const endorsed = await this.#endorsed(endorsers, response.serializeBinary(), forged.endorser);
    const actionPayload = new peer.ChaincodeActionPayload();
    actionPayload.setChaincodeProposalPayload(input);
    actionPayload.setAction(endorsed);
    const action = new peer.TransactionAction();
    action.setHeader(signatureHeader);
    action.setPayload(actionPayload.serializeBinary());
    const transaction = new peer.Transaction();
    transaction.addActions(action);
    const payload = new common.Payload();
    payload.setHeader(header);
    payload.setData(forged.data ?? transaction.serializeBinary());
    return { transactionId, payload: payload.serializeBinary() };
  }

  async #endorsed(endorsers: Endorser[], response: Uint8Array, instead: Uint8Array | undefined) {
    const endorsed = new peer.ChaincodeEndorsedAction();
    endorsed.setProposalResponsePayload(response);
    for (const endorser of endorsers) {
      const directory = this.#identityOf(endorser);
      const organisation = typeof endorser === 'string' ? endorser : endorser.organisation;
      const identity = instead ?? serialized(organisation, readFileSync(join(directory, 'cert.pem')));
      const sign = newSigner(readFileSync(join(directory, 'key.pem'), 'utf8'));
      const endorsement = new peer.Endorsement();
      endorsement.setEndorser(identity);
      endorsement.setSignature(await sign(Buffer.concat([response, identity])));
      endorsed.addEndorsements(endorsement);
    }
    return endorsed;
  }
}

function headerOf(transactionId: string, nonce: Uint8Array, creator: Uint8Array, { seconds }: Forged): common.Header {
  const chaincode = new peer.ChaincodeID();
  chaincode.setName('telemed');
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(chaincode);
  const time = new timestamps.Timestamp();
  time.setSeconds(seconds ?? Math.floor(Date.now() / 1000));
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.ENDORSER_TRANSACTION);
  channelHeader.setChannelId('telemed');
  channelHeader.setTxId(transactionId);
  channelHeader.setTimestamp(time);
  channelHeader.setExtension$(extension.serializeBinary());
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(creator);
  signatureHeader.setNonce(nonce);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(signatureHeader.serializeBinary());
  return header;
}

function proposalInput(): Uint8Array {
  const chaincode = new peer.ChaincodeID();
  chaincode.setName('telemed');
  const spec = new peer.ChaincodeSpec();
  spec.setChaincodeId(chaincode);
  spec.setInput(new peer.ChaincodeInput());
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(invocation.serializeBinary());
  return payload.serializeBinary();
}

function actionOf(forged: Forged, transactionId: string): Uint8Array {
  const chaincode = new peer.ChaincodeID();
  chaincode.setName('telemed');
  chaincode.setVersion('1.0');
  const response = new peer.Response();
  response.setStatus(200);
  const action = new peer.ChaincodeAction();
  action.setResults(resultsOf(forged));
  action.setResponse(response);
  action.setChaincodeId(chaincode);
  if (forged.event !== undefined) {
    const event = new peer.ChaincodeEvent();
    event.setChaincodeId('telemed');
    event.setTxId(transactionId);
    event.setEventName(forged.event.name);
    event.setPayload(Buffer.from(forged.event.payload));
    action.setEvents(event.serializeBinary());
  }
  return action.serializeBinary();
}

function resultsOf(forged: Forged): Uint8Array {
  const writes = new kvrwset.KVRWSet();
  for (const [key, value] of Object.entries(forged.public ?? {})) {
    const write = new kvrwset.KVWrite();
    write.setKey(key);
    if (value === null) write.setIsDelete(true);
    else write.setValue(Buffer.from(value));
    writes.addWrites(write);
  }
  const set = new ledger.rwset.NsReadWriteSet();
  set.setNamespace(forged.namespace ?? 'telemed');
  set.setRwset(writes.serializeBinary());
  for (const [collection, values] of Object.entries(forged.private ?? {})) {
    const hashed = new kvrwset.HashedRWSet();
    for (const [key, value] of Object.entries(values)) hashed.addHashedWrites(hashedWrite(key, value));
    const part = new ledger.rwset.CollectionHashedReadWriteSet();
    part.setCollectionName(collection);
    part.setHashedRwset(hashed.serializeBinary());
    part.setPvtRwsetHash(sha256('never delivered'));
    set.addCollectionHashedRwset(part);
  }
  const results = new ledger.rwset.TxReadWriteSet();
  results.addNsRwset(set);
  return results.serializeBinary();
}

function hashedWrite(key: string, value: string | null) {
  const write = new kvrwset.KVWriteHash();
  write.setKeyHash(sha256(key));
  if (value === null) {
    write.setIsDelete(true);
    write.setIsPurge(true);
  } else write.setValueHash(sha256(value));
  return write;
}

/** What the chaincode said when it refused to endorse; the promise must fail. */
export const refusalOf = (action: Promise<unknown>): Promise<string | undefined> =>
  action.then(
    (code) => `committed with ${code}`,
    (error: unknown) => {
      if (!(error instanceof GatewayError)) throw error;
      const texts = [error.message, ...error.details.map(({ message }) => message)];
      return texts.map(findLedgerError).find((found) => found !== undefined)?.code ?? texts.join();
    },
  );

/** An attacker of each organisation that is asked for, made once. */
export class Attackers {
  readonly #dataDir: () => string;
  readonly #made = new Map<string, Attacker>();

  /** @param dataDir of the scene, which is there when the first is asked for */
  constructor(dataDir: () => string) {
    this.#dataDir = dataDir;
  }

  of = (organisation: string): Attacker => {
    const made = this.#made.get(organisation) ?? new Attacker(this.#dataDir(), organisation);
    this.#made.set(organisation, made);
    return made;
  };

  close(): void {
    for (const one of this.#made.values()) one.close();
  }
}
