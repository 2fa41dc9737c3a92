/**
 * Beyond the list: transactions that no honest client or peer makes. An orderer takes them, so every peer must judge
 * them alike; the codes are compared between networks and written down here as Fabric 3.1.5 gives them.
 */
import { common, gateway, ledger, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { unary } from '../client.ts';
import { headerOf, metadataOf, sha256, signedEnvelope, takeApart } from '../messages.ts';
import { CHANNEL } from '../network.ts';
import { envelopeOf, type Suite } from '../suite.ts';
import { endorsementBy } from './submit.ts';

/** A valid transaction in parts; what a case changes is what is sent. */
interface Parts {
  channelHeader: common.ChannelHeader;
  signatureHeader: common.SignatureHeader;
  actionHeader: Uint8Array;
  proposalPayload: Uint8Array;
  /** As the endorsers saw it. */
  endorsedPayload: Uint8Array;
  action: peer.ChaincodeAction;
  results: ledger.rwset.TxReadWriteSet;
  /** Replace what would be made of the parts above. */
  resultsBytes?: Uint8Array;
  actionBytes?: Uint8Array;
  responseBytes?: Uint8Array;
  proposalHash?: Uint8Array;
  data?: Uint8Array;
  actions?: number;
  endorsers?: ('org1' | 'org2' | 'org3')[];
  /** Spoils the endorsements' signatures. */
  spoil?: boolean;
}

const GARBAGE = Buffer.from([0xff, 0xff, 0xff]);

type Change = (parts: Parts) => void;

const namespace = (parts: Parts, name: string) =>
  parts.results.getNsRwsetList().find((each) => each.getNamespace() === name)!;

function extensionOf(name: string): Uint8Array {
  const id = new peer.ChaincodeID();
  id.setName(name);
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(id);
  return extension.serializeBinary();
}

function writeTo(name: string): ledger.rwset.NsReadWriteSet {
  const write = new ledger.rwset.kvrwset.KVWrite();
  write.setKey('forged');
  write.setValue(Buffer.from('x'));
  const set = new ledger.rwset.kvrwset.KVRWSet();
  set.addWrites(write);
  const forged = new ledger.rwset.NsReadWriteSet();
  forged.setNamespace(name);
  forged.setRwset(set.serializeBinary());
  return forged;
}

function hashedWriteTo(collection: string): ledger.rwset.CollectionHashedReadWriteSet {
  const write = new ledger.rwset.kvrwset.KVWriteHash();
  write.setKeyHash(sha256('key'));
  write.setValueHash(sha256('value'));
  const set = new ledger.rwset.kvrwset.HashedRWSet();
  set.addHashedWrites(write);
  const hashed = new ledger.rwset.CollectionHashedReadWriteSet();
  hashed.setCollectionName(collection);
  hashed.setHashedRwset(set.serializeBinary());
  return hashed;
}

/**
 * What is changed, and how. One change is missing: a write to a collection that the chaincode does not have makes every
 * peer of Fabric 3.1.5 panic; the embedded network gives it code 10.
 */
const CHANGES: Record<string, Change> = {
  'nothing at all': () => {},
  'an unknown header type': ({ channelHeader }) => channelHeader.setType(99),
  'a header type of deliver requests': ({ channelHeader }) => channelHeader.setType(5),
  'an epoch': ({ channelHeader }) => channelHeader.setEpoch(1),
  'a header version': ({ channelHeader }) => channelHeader.setVersion(7),
  'no timestamp': ({ channelHeader }) => channelHeader.clearTimestamp(),
  'no nonce': ({ signatureHeader }) => signatureHeader.setNonce(''),
  'another transaction id': ({ channelHeader }) => channelHeader.setTxId('c'.repeat(64)),
  'no transaction id': ({ channelHeader }) => channelHeader.setTxId(''),
  'garbage for a transaction': (parts) => {
    parts.data = GARBAGE;
  },
  'no transaction': (parts) => {
    parts.data = new Uint8Array();
  },
  'no action': (parts) => {
    parts.actions = 0;
  },
  'two actions': (parts) => {
    parts.actions = 2;
  },
  'another header for the action': (parts) => {
    parts.actionHeader = new common.SignatureHeader().serializeBinary();
  },
  'another input than was endorsed': (parts) => {
    parts.proposalPayload = Buffer.concat([parts.proposalPayload, Buffer.from([0x12, 0])]);
  },
  'another proposal hash': (parts) => {
    parts.proposalHash = sha256('other');
  },
  'garbage for the header extension': ({ channelHeader }) => channelHeader.setExtension$(GARBAGE),
  'no header extension': ({ channelHeader }) => channelHeader.setExtension$(''),
  'garbage for the response payload': (parts) => {
    parts.responseBytes = GARBAGE;
  },
  'garbage for the chaincode action': (parts) => {
    parts.actionBytes = GARBAGE;
  },
  'no chaincode action': (parts) => {
    parts.actionBytes = new Uint8Array();
  },
  'garbage for the results': (parts) => {
    parts.resultsBytes = GARBAGE;
  },
  'no results': (parts) => {
    parts.resultsBytes = new Uint8Array();
  },
  'garbage in a namespace': (parts) => namespace(parts, 'either').setRwset(GARBAGE),
  'a namespace twice': ({ results }) => results.addNsRwset(writeTo('either')),
  'a write of an unknown chaincode': ({ results }) => results.addNsRwset(writeTo('nowhere')),
  'a write of lscc': ({ results }) => results.addNsRwset(writeTo('lscc')),
  'a write of qscc': ({ results }) => results.addNsRwset(writeTo('qscc')),
  'a write of _lifecycle': (parts) => namespace(parts, '_lifecycle').setRwset(writeTo('').getRwset()),
  'a write of another chaincode': ({ results }) => results.addNsRwset(writeTo('both')),
  'a write to a collection whose data nobody has': (parts) =>
    namespace(parts, 'either').addCollectionHashedRwset(hashedWriteTo('open')),
  'a collection twice': (parts) => {
    namespace(parts, 'either').addCollectionHashedRwset(hashedWriteTo('open'));
    namespace(parts, 'either').addCollectionHashedRwset(hashedWriteTo('open'));
  },
  'another chaincode in the header': ({ channelHeader }) => channelHeader.setExtension$(extensionOf('both')),
  'an unknown chaincode': ({ channelHeader, action }) => {
    channelHeader.setExtension$(extensionOf('nowhere'));
    action.getChaincodeId()!.setName('nowhere');
  },
  'a system chaincode': ({ channelHeader, action }) => {
    channelHeader.setExtension$(extensionOf('qscc'));
    action.getChaincodeId()!.setName('qscc');
  },
  'no chaincode version': ({ action }) => action.getChaincodeId()!.setVersion(''),
  'another chaincode version': ({ action }) => action.getChaincodeId()!.setVersion('0.9'),
  'no chaincode': ({ action }) => action.clearChaincodeId(),
  'no response': ({ action }) => action.clearResponse(),
  'a refusal as response': ({ action }) => action.getResponse()!.setStatus(500),
  'an event of another chaincode': ({ action, channelHeader }) => {
    const event = new peer.ChaincodeEvent();
    event.setChaincodeId('both');
    event.setTxId(channelHeader.getTxId());
    event.setEventName('forged');
    action.setEvents(event.serializeBinary());
  },
  'an event of another transaction': ({ action }) => {
    const event = new peer.ChaincodeEvent();
    event.setChaincodeId('either');
    event.setTxId('c'.repeat(64));
    event.setEventName('forged');
    action.setEvents(event.serializeBinary());
  },
  'garbage for an event': ({ action }) => action.setEvents(GARBAGE),
  'no endorsement': (parts) => {
    parts.endorsers = [];
  },
  'one endorsement twice': (parts) => {
    parts.endorsers = ['org1', 'org1'];
  },
  'endorsements with wrong signatures': (parts) => {
    parts.spoil = true;
  },
};

/** The codes of Fabric 3.1.5, by change. */
const CODES: Record<string, number> = {
  'nothing at all': 0,
  'an unknown header type': 3,
  'a header type of deliver requests': 3,
  'an epoch': 3,
  'a header version': 0,
  'no timestamp': 0,
  'no nonce': 3,
  'another transaction id': 8,
  'no transaction id': 8,
  'garbage for a transaction': 5,
  'no transaction': 5,
  'no action': 5,
  'two actions': 5,
  'another header for the action': 5,
  'another input than was endorsed': 5,
  'another proposal hash': 5,
  'garbage for the header extension': 19,
  'no header extension': 255,
  'garbage for the response payload': 5,
  'garbage for the chaincode action': 21,
  'no chaincode action': 21,
  'garbage for the results': 22,
  'no results': 0,
  'garbage in a namespace': 22,
  'a namespace twice': 23,
  'a write of an unknown chaincode': 25,
  'a write of lscc': 25,
  'a write of qscc': 25,
  'a write of _lifecycle': 0,
  'a write of another chaincode': 0,
  'a write to a collection whose data nobody has': 0,
  'a collection twice': 0,
  'another chaincode in the header': 25,
  'an unknown chaincode': 25,
  'a system chaincode': 25,
  'no chaincode version': 25,
  'another chaincode version': 0,
  'no chaincode': 255,
  'no response': 0,
  'a refusal as response': 0,
  'an event of another chaincode': 255,
  'an event of another transaction': 0,
  'garbage for an event': 255,
  'no endorsement': 10,
  'one endorsement twice': 0,
  'endorsements with wrong signatures': 10,
};

export function malformedCases(suite: () => Suite): void {
  describe('Beyond the list: forged transactions', () => {
    const partsOf = async (): Promise<Parts> => {
      const taken = takeApart(envelopeOf(await suite().endorse({}, 'put', suite().name('forged'), 'x')));
      const header = taken.payload.getHeader()!;
      return {
        channelHeader: taken.channelHeader,
        signatureHeader: common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8()),
        actionHeader: header.getSignatureHeader_asU8(),
        proposalPayload: taken.action.getChaincodeProposalPayload_asU8(),
        endorsedPayload: taken.action.getChaincodeProposalPayload_asU8(),
        action: taken.chaincodeAction,
        results: ledger.rwset.TxReadWriteSet.deserializeBinary(taken.chaincodeAction.getResults_asU8()),
      };
    };

    /** The changed parts put together, endorsed by the organisations' peers and signed by the client. */
    const assemble = (parts: Parts): common.Envelope => {
      const { channelHeader, signatureHeader, action } = parts;
      action.setResults(parts.resultsBytes ?? parts.results.serializeBinary());
      const headers = [channelHeader.serializeBinary(), signatureHeader.serializeBinary()] as const;
      const response = new peer.ProposalResponsePayload();
      response.setProposalHash(parts.proposalHash ?? sha256(...headers, parts.endorsedPayload));
      response.setExtension$(parts.actionBytes ?? action.serializeBinary());
      const responseBytes = parts.responseBytes ?? response.serializeBinary();
      const endorsed = new peer.ChaincodeEndorsedAction();
      endorsed.setProposalResponsePayload(responseBytes);
      for (const name of parts.endorsers ?? ['org1', 'org2', 'org3']) {
        const signed = parts.spoil ? sha256(responseBytes) : responseBytes;
        endorsed.addEndorsements(endorsementBy(suite().client(name, 'peer'), signed));
      }
      const payload = new peer.ChaincodeActionPayload();
      payload.setChaincodeProposalPayload(parts.proposalPayload);
      payload.setAction(endorsed);
      const transaction = new peer.Transaction();
      for (let count = 0; count < (parts.actions ?? 1); count++) {
        const one = new peer.TransactionAction();
        one.setHeader(parts.actionHeader);
        one.setPayload(payload.serializeBinary());
        transaction.addActions(one);
      }
      const whole = new common.Payload();
      whole.setHeader(headerOf(...headers));
      whole.setData(parts.data ?? transaction.serializeBinary());
      return signedEnvelope(suite().client(), whole.serializeBinary());
    };

    const submit = (envelope: common.Envelope) => {
      const client = suite().client();
      const request = new gateway.SubmitRequest();
      request.setTransactionId('forged');
      request.setChannelId(CHANNEL);
      request.setPreparedTransaction(envelope);
      const call = client.gateway.submit.bind(client.gateway);
      return unary<gateway.SubmitRequest, gateway.SubmitResponse>(call, request);
    };

    /** The code of the transaction in a block of its own, or the words with which the orderer refuses it. */
    const outcomeOf = async (change: Change): Promise<number | string> => {
      const parts = await partsOf();
      change(parts);
      const number = await suite().height();
      try {
        await submit(assemble(parts));
      } catch (error) {
        return (error as { details: string }).details;
      }
      await suite().untilHeight('org1', number + 1);
      return metadataOf(await suite().block(number), common.BlockMetadataIndex.TRANSACTIONS_FILTER)[0]!;
    };

    it('A1 What is wrong with a transaction gives it the same code', async function () {
      this.timeout(60_000);
      const found: Record<string, number | string> = {};
      for (const [what, change] of Object.entries(CHANGES)) {
        found[what] = await outcomeOf(change);
      }
      suite().observe('A1 codes', found);
      expect(found).to.deep.equal(CODES);
    });
  });
}
