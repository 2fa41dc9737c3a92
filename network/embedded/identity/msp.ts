/**
 * One organisation's membership rules, from its FabricMSPConfig: which certificates are its members, and as what.
 * Follows https://hyperledger-fabric.readthedocs.io/en/release-3.1/msp.html with NodeOUs; expiry is enforced
 * elsewhere, because a block must validate alike whenever it is read.
 */
import type { msp } from '@hyperledger/fabric-protos';
import type { Identity } from '../seams.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { parseRevocationList, type RevocationList } from './revocation.ts';

export type NodeOu = NonNullable<Identity['nodeOu']>;

interface NodeOuRule {
  role: NodeOu;
  /** Fingerprint of the only issuer that counts, where one is configured. */
  issuer: string | undefined;
}

/** What an MSP finds about one certificate. */
export interface Membership {
  nodeOu: NodeOu | undefined;
  invalidity: string | undefined;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

export class Msp {
  readonly id: string;
  readonly #authorities: { certificate: Certificate; isRoot: boolean }[];
  readonly #admins: Set<string>;
  readonly #revocations: RevocationList[];
  /** By the OU's text; undefined when NodeOUs are off. */
  readonly #nodeOus: Map<string, NodeOuRule> | undefined;

  /** `furtherRevocations` are PEM lists besides the configuration's own. @throws Error on an unparsable certificate or list. */
  constructor(config: msp.FabricMSPConfig, furtherRevocations: readonly string[] = []) {
    this.id = config.getName();
    this.#authorities = [
      ...config.getRootCertsList_asU8().map((pem) => ({ certificate: parseCertificate(text(pem)), isRoot: true })),
      ...config
        .getIntermediateCertsList_asU8()
        .map((pem) => ({ certificate: parseCertificate(text(pem)), isRoot: false })),
    ];
    this.#admins = new Set(config.getAdminsList_asU8().map((pem) => parseCertificate(text(pem)).fingerprint));
    const lists = [...config.getRevocationListList_asU8().map(text), ...furtherRevocations];
    this.#revocations = lists.map(parseRevocationList);
    const nodeOus = config.getFabricNodeOus();
    this.#nodeOus = nodeOus?.getEnable() ? nodeOuRules(nodeOus) : undefined;
  }

  membershipOf(certificate: Certificate): Membership {
    const chain = this.#chainOf(certificate);
    const issuer = chain?.[0];
    const roles = this.#nodeOus === undefined ? [] : this.#nodeOuRolesOf(certificate, issuer);
    const nodeOu = roles.length === 1 ? roles[0] : this.#explicitAdmin(certificate);
    return { nodeOu, invalidity: this.#invalidity(certificate, chain, roles) };
  }

  #invalidity(certificate: Certificate, chain: Certificate[] | undefined, roles: NodeOu[]): string | undefined {
    if (certificate.x509.ca) return 'a CA certificate cannot be used directly as an identity';
    if (certificate.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return 'the key is not ECDSA P-256';
    if (chain === undefined) return `the certificate is not signed by an authority of MSP ${this.id}`;
    if (this.#isRevoked([certificate, ...chain])) return 'the certificate has been revoked';
    if (this.#nodeOus === undefined || roles.length === 1) return undefined;
    const units = `OUs: [${certificate.organizationalUnits.join(' ')}], MSP: [${this.id}]`;
    return roles.length === 0
      ? `the identity does not have an OU that resolves to client, peer, orderer, or admin role. ${units}`
      : `the identity must be a client, a peer, an orderer, or an admin identity to be valid, not a combination of them. ${units}`;
  }

  #explicitAdmin(certificate: Certificate): NodeOu | undefined {
    return this.#nodeOus === undefined && this.#admins.has(certificate.fingerprint) ? 'admin' : undefined;
  }

  /** Issuers from the direct one up to a root, or undefined. "Now" is one second after the certificate begins to be valid. */
  #chainOf(certificate: Certificate): Certificate[] | undefined {
    const now = certificate.notBefore.getTime() + 1000;
    const chain: Certificate[] = [];
    for (let subject = certificate; chain.length <= this.#authorities.length; ) {
      const found = this.#authorities.find(({ certificate: authority }) => isIssuedBy(subject, authority, now));
      if (found === undefined) return undefined;
      chain.push(found.certificate);
      if (found.isRoot) return chain;
      subject = found.certificate;
    }
    return undefined;
  }

  /** Every certificate below the root is looked up in the lists that its own issuer signed. */
  #isRevoked(path: Certificate[]): boolean {
    return path.slice(0, -1).some((certificate, index) => {
      const issuer = path[index + 1]!;
      return this.#revocations.some(
        (list) => list.serialNumbers.has(certificate.serialNumber) && list.isSignedBy(issuer.publicKey),
      );
    });
  }

  #nodeOuRolesOf(certificate: Certificate, issuer: Certificate | undefined): NodeOu[] {
    return certificate.organizationalUnits.flatMap((unit) => {
      const rule = this.#nodeOus?.get(unit);
      if (rule === undefined) return [];
      return rule.issuer === undefined || rule.issuer === issuer?.fingerprint ? [rule.role] : [];
    });
  }
}

function isIssuedBy(subject: Certificate, authority: Certificate, now: number): boolean {
  return (
    authority.x509.ca &&
    authority.notBefore.getTime() <= now &&
    now <= authority.notAfter.getTime() &&
    subject.x509.checkIssued(authority.x509) &&
    subject.x509.verify(authority.publicKey)
  );
}

function nodeOuRules(config: msp.FabricNodeOUs): Map<string, NodeOuRule> {
  const identifiers: [NodeOu, msp.FabricOUIdentifier | undefined][] = [
    ['client', config.getClientOuIdentifier()],
    ['peer', config.getPeerOuIdentifier()],
    ['admin', config.getAdminOuIdentifier()],
    ['orderer', config.getOrdererOuIdentifier()],
  ];
  const rules = new Map<string, NodeOuRule>();
  for (const [role, identifier] of identifiers) {
    if (identifier === undefined) continue;
    const pem = text(identifier.getCertificate_asU8());
    const issuer = pem === '' ? undefined : parseCertificate(pem).fingerprint;
    rules.set(identifier.getOrganizationalUnitIdentifier(), { role, issuer });
  }
  return rules;
}
