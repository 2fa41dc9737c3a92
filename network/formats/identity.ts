/** An identity as it signs: its MSP and its certificate (msp.SerializedIdentity). */
import { msp } from '@hyperledger/fabric-protos';
import { Message } from './protobuf/message.ts';

/** The bytes of a SerializedIdentity. */
export function serializeIdentity(mspId: string, certificatePem: string): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(Buffer.from(certificatePem));
  return identity.serializeBinary();
}

/** @throws MalformedMessage */
export const mspIdOf = (serializedIdentity: Uint8Array): string => new Message(serializedIdentity).text(1);

/** PEM. @throws MalformedMessage */
export const certificateOf = (serializedIdentity: Uint8Array): string => new Message(serializedIdentity).text(2);
