/** An organisation's FabricMSPConfig, as cryptogen lays it out: one root, NodeOUs on and bound to that root. */
import { msp } from '@hyperledger/fabric-protos';

export interface MspMaterial {
  mspId: string;
  caCertificate: string;
  tlsCaCertificate: string;
  revocationLists?: string[];
}

const FABRIC_MSP = 0;

export function mspConfig(material: MspMaterial): msp.MSPConfig {
  const config = new msp.MSPConfig();
  config.setType(FABRIC_MSP);
  config.setConfig(fabricMspConfig(material).serializeBinary());
  return config;
}

/** @throws Error when the MSP is of another type. */
export function readMspConfig(bytes: Uint8Array): msp.FabricMSPConfig {
  const config = msp.MSPConfig.deserializeBinary(bytes);
  if (config.getType() !== FABRIC_MSP) throw new Error(`MSP type ${config.getType()} is not supported`);
  return msp.FabricMSPConfig.deserializeBinary(config.getConfig_asU8());
}

export function fabricMspConfig(material: MspMaterial): msp.FabricMSPConfig {
  const crypto = new msp.FabricCryptoConfig();
  crypto.setSignatureHashFamily('SHA2');
  crypto.setIdentityIdentifierHashFunction('SHA256');
  const config = new msp.FabricMSPConfig();
  config.setName(material.mspId);
  config.setRootCertsList([Buffer.from(material.caCertificate)]);
  config.setTlsRootCertsList([Buffer.from(material.tlsCaCertificate)]);
  config.setRevocationListList((material.revocationLists ?? []).map((pem) => Buffer.from(pem)));
  config.setCryptoConfig(crypto);
  config.setFabricNodeOus(nodeOus(material.caCertificate));
  return config;
}

function nodeOus(caCertificate: string): msp.FabricNodeOUs {
  const identifier = (unit: string): msp.FabricOUIdentifier => {
    const value = new msp.FabricOUIdentifier();
    value.setCertificate(Buffer.from(caCertificate));
    value.setOrganizationalUnitIdentifier(unit);
    return value;
  };
  const value = new msp.FabricNodeOUs();
  value.setEnable(true);
  value.setClientOuIdentifier(identifier('client'));
  value.setPeerOuIdentifier(identifier('peer'));
  value.setAdminOuIdentifier(identifier('admin'));
  value.setOrdererOuIdentifier(identifier('orderer'));
  return value;
}
