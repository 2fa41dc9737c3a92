/**
 * The peer's side of the chaincode protocol, for tests: connects to a chaincode server, sends it transactions
 * and answers its reads from maps. It judges nothing; the embedded network does.
 */
import { randomBytes } from 'node:crypto';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { common, msp, peer } from '@hyperledger/fabric-protos';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { sha256 } from './model/canonical.ts';
import { TRANSIENT_KEY } from './model/transactions.ts';

const { Type } = peer.ChaincodeMessage;
type MessageType = (typeof Type)[keyof typeof Type];

/** Self-signed, with the attribute role=system in Fabric's extension; only ever read for it. */
export const SYSTEM_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBhTCCASqgAwIBAgIBATAKBggqhkjOPQQDAjA1MQ8wDQYDVQQDEwZzeXN0ZW0x
DzANBgNVBAsTBmNsaWVudDERMA8GA1UEChMIaG9zcGl0YWwwHhcNMjYwMTAxMDAw
MDAwWhcNMzYwMTAxMDAwMDAwWjA1MQ8wDQYDVQQDEwZzeXN0ZW0xDzANBgNVBAsT
BmNsaWVudDERMA8GA1UEChMIaG9zcGl0YWwwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAATJdvPSiReGEQmA7KNuW/gPgCt3YNukYViFOxR5DCeFXYI+n8rILpaWLeuJ
BnqK9XACtVZz+/6jRhmxwFBR6a0YoyswKTAnBggqAwQFBgcIAQQbeyJhdHRycyI6
eyJyb2xlIjoic3lzdGVtIn19MAoGCCqGSM49BAMCA0kAMEYCIQD0SjZygoUlweis
9o9dRkzhbVEA0NSPlYyklP3h0bbmvAIhANVO2fBcd/eXqTEsPBZPoXuh8lKLjiz7
euc3lkPGztFt
-----END CERTIFICATE-----
`;

/** Of the attributes role=practitioner and fhirUser=Practitioner/5f0c1b7e-0000-4000-8000-000000000001. */
export const PRACTITIONER_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIB0TCCAXegAwIBAgIBATAKBggqhkjOPQQDAjA5MRUwEwYDVQQDEwxwcmFjdGl0
aW9uZXIxDzANBgNVBAsTBmNsaWVudDEPMA0GA1UEChMGY2xpbmljMB4XDTI2MDEw
MTAwMDAwMFoXDTM2MDEwMTAwMDAwMFowOTEVMBMGA1UEAxMMcHJhY3RpdGlvbmVy
MQ8wDQYDVQQLEwZjbGllbnQxDzANBgNVBAoTBmNsaW5pYzBZMBMGByqGSM49AgEG
CCqGSM49AwEHA0IABDaNjkPLfWmPuQZgGnApb0ZIsX1d8C7AIdXGz0Bquqjqi6ua
cdo6LPMb9CnYmrFCa0cZGQvYRLDMODKE+ddb3GCjcDBuMGwGCCoDBAUGBwgBBGB7
ImF0dHJzIjp7InJvbGUiOiJwcmFjdGl0aW9uZXIiLCJmaGlyVXNlciI6IlByYWN0
aXRpb25lci81ZjBjMWI3ZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEifX0w
CgYIKoZIzj0EAwIDSAAwRQIhAOMRyToeaBuVZiSzl76TeC1aZfrZRA2mcHcmXT+e
NWOrAiAgts8myqdT8Cmx/yIHAh5b8FWXI8sVL0innh74xPYfhQ==
-----END CERTIFICATE-----
`;

export interface Proposal {
  /** `contract:Transaction` */
  name: string;
  arguments: string[];
  mspId: string;
  certificate: string;
  private?: unknown;
}

export interface Completion {
  status: number;
  message: string;
  payload: string;
  /** What was put, by `collection key`. */
  puts: Map<string, string>;
  event: { name: string; payload: string } | undefined;
}

interface Running {
  puts: Map<string, string>;
  resolve: (completion: Completion) => void;
  reject: (error: Error) => void;
}

export class ExamplePeer {
  /** Answers reads, by `collection key`; public state has the empty collection. */
  readonly state = new Map<string, string>();
  /** Messages that came for a transaction after its answer: a real peer may die of one. */
  late = 0;
  readonly #stream: ClientDuplexStream<peer.ChaincodeMessage, peer.ChaincodeMessage>;
  readonly #client: InstanceType<typeof peer.ChaincodeClient>;
  readonly #running = new Map<string, Running>();

  /** How many messages with writes came. */
  batches = 0;

  private constructor(
    address: string,
    takes: Uint8Array,
    ready: (ccid: string) => void,
    failed: (error: Error) => void,
  ) {
    const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
    this.#client = new peer.ChaincodeClient(address, credentials.createInsecure(), unlimited);
    this.#stream = this.#client.connect();
    this.#stream.on('error', failed);
    this.#stream.once('data', (registration: peer.ChaincodeMessage) => {
      this.#send(Type.REGISTERED);
      this.#send(Type.READY, '', takes);
      this.#stream.on('data', (message: peer.ChaincodeMessage) => this.#answer(message));
      ready(peer.ChaincodeID.deserializeBinary(registration.getPayload_asU8()).getName());
    });
  }

  /**
   * Connects, and answers with the id under which the chaincode registered.
   * @param takes what the peer says of itself when it is ready; peers before Fabric 3.1 say nothing
   */
  static connect(address: string, takes: Uint8Array = new Uint8Array()): Promise<{ peer: ExamplePeer; ccid: string }> {
    return new Promise((resolve, reject) => {
      const ready = (ccid: string): void => resolve({ peer: connected, ccid });
      const connected: ExamplePeer = new ExamplePeer(address, takes, ready, reject);
    });
  }

  invoke(proposal: Proposal): Promise<Completion> {
    const txId = randomBytes(32).toString('hex');
    const message = messageOf(Type.TRANSACTION, txId, inputOf(proposal).serializeBinary());
    message.setProposal(signedProposalOf(proposal, txId));
    return new Promise((resolve, reject) => {
      this.#running.set(txId, { puts: new Map(), resolve, reject });
      this.#stream.write(message);
    });
  }

  /** Sends what the shim does not know, on which its process, or worker, exits. */
  crash(): void {
    this.#stream.on('error', () => {});
    this.#send(Type.KEEPALIVE);
  }

  close(): void {
    this.#stream.on('error', () => {});
    this.#stream.cancel();
    this.#client.close();
  }

  #send(type: MessageType, txId = '', payload: Uint8Array = new Uint8Array()): void {
    this.#stream.write(messageOf(type, txId, payload));
  }

  #answer(message: peer.ChaincodeMessage): void {
    const txId = message.getTxid();
    const running = this.#running.get(txId);
    if (running === undefined) {
      this.late += 1;
      return;
    }
    const payload = message.getPayload_asU8();
    const type = message.getType();
    if (type === Type.COMPLETED) {
      this.#running.delete(txId);
      running.resolve(completionOf(message, running.puts));
    } else if (type === Type.GET_STATE || type === Type.GET_PRIVATE_DATA_HASH) {
      const request = peer.GetState.deserializeBinary(payload);
      const value = this.state.get(`${request.getCollection()} ${request.getKey()}`);
      const bytes = Buffer.from(value ?? '');
      const hashed = type === Type.GET_PRIVATE_DATA_HASH && value !== undefined;
      this.#send(Type.RESPONSE, txId, hashed ? sha256(bytes) : bytes);
    } else if (type === Type.PUT_STATE) {
      const put = peer.PutState.deserializeBinary(payload);
      running.puts.set(`${put.getCollection()} ${put.getKey()}`, Buffer.from(put.getValue_asU8()).toString());
      this.#send(Type.RESPONSE, txId);
    } else if (type === Type.WRITE_BATCH_STATE) {
      this.batches += 1;
      for (const record of peer.WriteBatchState.deserializeBinary(payload).getRecList()) {
        if (record.getType() !== peer.WriteRecord.Type.PUT_STATE) continue;
        running.puts.set(
          `${record.getCollection()} ${record.getKey()}`,
          Buffer.from(record.getValue_asU8()).toString(),
        );
      }
      this.#send(Type.RESPONSE, txId);
    } else if (type === Type.PUT_STATE_METADATA || type === Type.PURGE_PRIVATE_DATA) this.#send(Type.RESPONSE, txId);
    else running.reject(new Error(`message ${type}: ${Buffer.from(payload).toString()}`));
  }
}

function messageOf(type: MessageType, txId: string, payload: Uint8Array): peer.ChaincodeMessage {
  const message = new peer.ChaincodeMessage();
  message.setType(type);
  message.setTxid(txId);
  message.setChannelId('telemed');
  message.setPayload(payload);
  return message;
}

function inputOf(proposal: Proposal): peer.ChaincodeInput {
  const input = new peer.ChaincodeInput();
  input.setArgsList([proposal.name, ...proposal.arguments].map((argument) => Buffer.from(argument)));
  return input;
}

function completionOf(message: peer.ChaincodeMessage, puts: Map<string, string>): Completion {
  const response = peer.Response.deserializeBinary(message.getPayload_asU8());
  const event = message.getChaincodeEvent();
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  return {
    status: response.getStatus(),
    message: response.getMessage(),
    payload: text(response.getPayload_asU8()),
    puts,
    event: event === undefined ? undefined : { name: event.getEventName(), payload: text(event.getPayload_asU8()) },
  };
}

function signedProposalOf(proposal: Proposal, txId: string): peer.SignedProposal {
  const creator = new msp.SerializedIdentity();
  creator.setMspid(proposal.mspId);
  creator.setIdBytes(Buffer.from(proposal.certificate));
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(creator.serializeBinary());
  signatureHeader.setNonce(randomBytes(24));
  const channelHeader = new common.ChannelHeader();
  channelHeader.setTxId(txId);
  const time = new timestamp.Timestamp();
  time.fromDate(new Date());
  channelHeader.setTimestamp(time);
  const header = new common.Header();
  header.setSignatureHeader(signatureHeader.serializeBinary());
  header.setChannelHeader(channelHeader.serializeBinary());
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(inputOf(proposal).serializeBinary());
  if (proposal.private !== undefined)
    payload.getTransientmapMap().set(TRANSIENT_KEY, Buffer.from(JSON.stringify(proposal.private)));
  const inner = new peer.Proposal();
  inner.setHeader(header.serializeBinary());
  inner.setPayload(payload.serializeBinary());
  const signed = new peer.SignedProposal();
  signed.setProposalBytes(inner.serializeBinary());
  return signed;
}
