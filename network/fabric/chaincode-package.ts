/**
 * The chaincode package: chaincode as a service, so it holds where to dial and a fingerprint of what will answer there.
 * See https://hyperledger-fabric.readthedocs.io/en/release-3.1/cc_service.html
 */
import { createHash } from 'node:crypto';
import { tarGz } from './archive.ts';

export interface ChaincodePackage {
  label: string;
  /** `label:sha256`, as every peer computes it. */
  id: string;
  bytes: Buffer;
}

/**
 * The address is filled in by each peer's builder: Fabric's own reads it from CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG
 * (`{"address":"host:port"}`), the one beside this file from CHAINCODE_ADDRESS.
 */
const CONNECTION = { address: '{{.address}}', dial_timeout: '10s', tls_required: false };

/** `fingerprint` names the sources and the consortium they are for: another one makes another package. */
export function chaincodePackage(label: string, fingerprint: string): ChaincodePackage {
  const bytes = tarGz({
    'metadata.json': text({ type: 'ccaas', label }),
    'code.tar.gz': tarGz({ 'connection.json': text(CONNECTION), 'fingerprint.json': text({ fingerprint }) }),
  });
  return { label, bytes, id: `${label}:${createHash('sha256').update(bytes).digest('hex')}` };
}

const text = (value: object): string => `${JSON.stringify(value)}\n`;
