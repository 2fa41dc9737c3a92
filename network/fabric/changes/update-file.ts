/**
 * A configuration update as a file that travels between organisations, each adding its administrator's signature with its
 * own key: the envelope that `peer channel signconfigtx` takes as well. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/config_update.html
 */
import { createPrivateKey, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { certificateOf, mspIdOf, serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import type { KeyPair } from '../../ca/authority.ts';

export interface SignedUpdate {
  /** Serialised; what is signed. */
  update: Uint8Array;
  signatures: common.ConfigSignature[];
}

/** Not a configuration update, or one of another channel. */
export class UpdateFileError extends Error {
  override name = 'UpdateFileError';
}

export function encodeUpdate(channel: string, { update, signatures }: SignedUpdate): Uint8Array {
  const data = new common.ConfigUpdateEnvelope();
  data.setConfigUpdate(update);
  data.setSignaturesList(signatures);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG_UPDATE);
  channelHeader.setChannelId(channel);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(data.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope.serializeBinary();
}

/** @throws UpdateFileError */
export function decodeUpdate(channel: string, bytes: Uint8Array): SignedUpdate {
  const { header, data } = payloadIn(bytes);
  if (header.getType() !== common.HeaderType.CONFIG_UPDATE)
    throw new UpdateFileError('the file holds no configuration update');
  if (header.getChannelId() !== channel)
    throw new UpdateFileError(`the update is of channel ${header.getChannelId()}, not of ${channel}`);
  const envelope = common.ConfigUpdateEnvelope.deserializeBinary(data);
  return { update: envelope.getConfigUpdate_asU8(), signatures: envelope.getSignaturesList() };
}

function payloadIn(bytes: Uint8Array): { header: common.ChannelHeader; data: Uint8Array } {
  try {
    const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(bytes).getPayload_asU8());
    const header = payload.getHeader()?.getChannelHeader_asU8() ?? new Uint8Array();
    return { header: common.ChannelHeader.deserializeBinary(header), data: payload.getData_asU8() };
  } catch {
    throw new UpdateFileError('the file holds no configuration update');
  }
}

/** The update with one more signature. */
export function signed(
  { update, signatures }: SignedUpdate,
  { mspId, certificate, privateKey }: KeyPair & { mspId: string },
): SignedUpdate {
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(serializeIdentity(mspId, certificate));
  signatureHeader.setNonce(randomBytes(24));
  const header = signatureHeader.serializeBinary();
  const key = { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' as const };
  const signature = new common.ConfigSignature();
  signature.setSignatureHeader(header);
  signature.setSignature(lowSDer(sign('sha256', Buffer.concat([header, update]), key)));
  return { update, signatures: [...signatures, signature] };
}

/** Signatures of one update that came in several files, each once. @throws UpdateFileError where they are of several */
export function together(updates: readonly SignedUpdate[]): SignedUpdate | undefined {
  const [first] = updates;
  if (first === undefined) return undefined;
  if (!updates.every(({ update }) => Buffer.from(update).equals(first.update)))
    throw new UpdateFileError('the files hold different updates');
  const all = updates.flatMap(({ signatures }) => signatures);
  const byBytes = new Map(all.map((one) => [Buffer.from(one.serializeBinary()).toString('hex'), one]));
  return { update: first.update, signatures: [...byBytes.values()] };
}

/**
 * MSP ids of the organisations whose administrator has signed: a signature that is good, by a certificate with the
 * administrators' OU of an authority that the channel knows, and in time. Revocation lists are looked at by the orderers.
 */
export function signersOf(channel: common.ConfigGroup, { update, signatures }: SignedUpdate, now: Date): Set<string> {
  return new Set(signatures.flatMap((one) => signerOf(channel, update, one, now) ?? []));
}

function signerOf(
  channel: common.ConfigGroup,
  update: Uint8Array,
  signature: common.ConfigSignature,
  now: Date,
): string | undefined {
  try {
    const header = signature.getSignatureHeader_asU8();
    const creator = common.SignatureHeader.deserializeBinary(header).getCreator_asU8();
    const [mspId, certificate] = [mspIdOf(creator), new X509Certificate(certificateOf(creator))];
    const isAdministrator = certificate.subject.split('\n').includes('OU=admin');
    const isInTime = certificate.validFromDate <= now && now <= certificate.validToDate;
    const isOfMember = authoritiesOf(channel, mspId).some(
      (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    );
    const isGood = verify(
      'sha256',
      Buffer.concat([header, update]),
      certificate.publicKey,
      signature.getSignature_asU8(),
    );
    return isAdministrator && isInTime && isOfMember && isGood ? mspId : undefined;
  } catch {
    return undefined;
  }
}

function authoritiesOf(channel: common.ConfigGroup, mspId: string): X509Certificate[] {
  const value = ['Application', 'Orderer']
    .map((section) => channel.getGroupsMap().get(section)?.getGroupsMap().get(mspId)?.getValuesMap().get('MSP'))
    .find((found) => found !== undefined);
  if (value === undefined) return [];
  const msp = readMspConfig(value.getValue_asU8());
  return [...msp.getRootCertsList_asU8(), ...msp.getIntermediateCertsList_asU8()].map(
    (pem) => new X509Certificate(Buffer.from(pem)),
  );
}
