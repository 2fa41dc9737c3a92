/**
 * An organisation's Fabric CA behind the interfaces that the development authority has too: whoever is to have a
 * certificate is registered with a secret that nobody keeps, and enrolled with it at once.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, type KeyPair, keyIdentifierOf, type ServerAuthority } from '../authority.ts';
import { USER_DAYS } from '../lifetimes.ts';
import {
  ALREADY_REGISTERED,
  ALREADY_REVOKED,
  AUTHENTICATION_FAILURE,
  FabricCaError,
  readEnrolled,
  runClient,
} from './client.ts';
import type { FabricCaReach } from './reach.ts';
import { type Registration, renew } from './registry.ts';
import { NODE_PROFILE, REGISTRAR_TYPE, TLS_TYPE, USER_ATTRIBUTES } from './server-config.ts';

/** Whose certificate and key commands are given with. */
type Registrar = () => Promise<KeyPair>;

export interface FabricAuthority extends Authority {
  /** A registrar of clients with a role and a user, who cannot do anything else, not even on the channel. */
  enrolGatewayRegistrar(): Promise<KeyPair>;
}

const GATEWAY_REGISTRAR = 'gateway-registrar';

/** `registrar`: the organisation's own, whose secret lies in a file, unless another one is given. */
export function openFabricAuthority(
  reach: FabricCaReach,
  registrar: Registrar = enrolledRegistrar(reach, reach.caName),
): FabricAuthority {
  const ca = { reach, caName: reach.caName, certificate: reach.caCertificate, registrar };
  return {
    enrol: ({ commonName, ou, attributes = {}, days }) =>
      enrol(ca, { name: commonName, type: ou, attributes, ...profileFor(days) }),
    enrolGatewayRegistrar: () =>
      enrol(ca, {
        name: GATEWAY_REGISTRAR,
        type: REGISTRAR_TYPE,
        attributes: {},
        registrarOf: {
          'hf.Registrar.Roles': 'client',
          'hf.Registrar.Attributes': USER_ATTRIBUTES.join(','),
        },
      }),
    revoke: (certificates) => revoke(ca, certificates),
  };
}

/** The TLS authority of the same server. */
export function openFabricServerAuthority(
  reach: FabricCaReach,
  registrar: Registrar = enrolledRegistrar(reach, reach.tlsCaName),
): ServerAuthority {
  const ca = { reach, caName: reach.tlsCaName, certificate: reach.tlsCaCertificate, registrar };
  const tls = { type: TLS_TYPE, attributes: {} };
  return {
    enrolServer: (name, hosts) => enrol(ca, { ...tls, name, hosts }),
    enrolNode: (name, hosts) => enrol(ca, { ...tls, name, hosts, profile: NODE_PROFILE }),
  };
}

interface FabricCa {
  reach: FabricCaReach;
  caName: string;
  certificate: string;
  registrar: Registrar;
}

interface Enrolment {
  name: string;
  type: string;
  /** Those that the certificate is to carry. */
  attributes: Record<string, string>;
  /** Fabric CA's own attributes, which stay in its registry. */
  registrarOf?: Record<string, string>;
  hosts?: readonly string[];
  profile?: string;
}

/** Fabric CA's lifetimes are those of its profiles: the shortest one that is long enough. */
const profileFor = (days: number): { profile?: string } => (days > USER_DAYS ? { profile: NODE_PROFILE } : {});

/** How often somebody else may come between registering and enrolling the same name. */
const ATTEMPTS = 5;

async function enrol(ca: FabricCa, enrolment: Enrolment): Promise<KeyPair> {
  const identity = await ca.registrar();
  for (let attempt = 1; ; attempt++) {
    const secret = randomBytes(32).toString('hex');
    await register(ca, identity, enrolment, secret);
    try {
      const pair = await enrolWith(ca, enrolment, secret);
      assertOwn(ca, enrolment.name, pair);
      return pair;
    } catch (error) {
      if (attempt === ATTEMPTS || !isRefused(error, AUTHENTICATION_FAILURE)) throw error;
    }
  }
}

/** Registered before, by a run that was interrupted or whose certificate is to be replaced, it gets the new secret. */
async function register(ca: FabricCa, identity: KeyPair, enrolment: Enrolment, secret: string): Promise<void> {
  const { name, type, attributes, registrarOf = {} } = enrolment;
  const registration: Registration = {
    name,
    type,
    secret,
    attributes: [
      ...Object.entries(attributes).map(([key, value]) => ({ name: key, value, ecert: true })),
      ...Object.entries(registrarOf).map(([key, value]) => ({ name: key, value, ecert: false })),
    ],
  };
  const command = { command: ['register'], doing: `register ${name}`, caName: ca.caName, identity };
  const configuration = { id: { ...registration, maxenrollments: 1 } };
  try {
    await runClient(ca.reach, { ...command, configuration }, async () => undefined);
  } catch (error) {
    if (!isTaken(error)) throw error;
    await renew(ca.reach, ca.caName, identity, registration);
  }
}

function enrolWith(ca: FabricCa, enrolment: Enrolment, secret: string): Promise<KeyPair> {
  const { name, attributes, hosts = [], profile } = enrolment;
  const wanted = Object.keys(attributes).map((key) => ({ name: key, optional: false }));
  const configuration = {
    csr: { cn: name, keyrequest: { algo: 'ecdsa', size: 256 }, names: [], hosts: [...hosts] },
    // Without any, the certificate would carry what Fabric CA knows of everybody (hf.EnrollmentID and others).
    enrollment: { ...(profile && { profile }), attrreqs: wanted.length > 0 ? wanted : NOTHING },
  };
  const login = { name, secret };
  const run = { command: ['enroll'], doing: `enrol ${name}`, caName: ca.caName, login, configuration };
  return runClient(ca.reach, run, readEnrolled);
}

const NOTHING = [{ name: 'none', optional: true }];

/** @throws FabricCaError when what answered is not the authority that the organisation is known by. */
function assertOwn({ reach, certificate }: FabricCa, name: string, pair: KeyPair): void {
  const [issued, authority] = [new X509Certificate(pair.certificate), new X509Certificate(certificate)];
  if (issued.checkIssued(authority) && issued.verify(authority.publicKey)) return;
  throw new FabricCaError(reach, `enrol ${name}`, 'it signs with another key than that of its certificate here');
}

const isRefused = (error: unknown, code: number): boolean => error instanceof FabricCaError && error.code === code;

/** Of two that register a name at the same time, one hears it from the server's database. */
const isTaken = (error: unknown): boolean =>
  isRefused(error, ALREADY_REGISTERED) || (error instanceof FabricCaError && /UNIQUE constraint/.test(error.message));

/** Enrols with the secret when it is first needed. */
function enrolledRegistrar(reach: FabricCaReach, caName: string): Registrar {
  let enrolled: Promise<KeyPair> | undefined;
  return () => {
    enrolled ??= enrolRegistrar(reach, caName).catch((error) => {
      enrolled = undefined;
      throw error;
    });
    return enrolled;
  };
}

async function enrolRegistrar(reach: FabricCaReach, caName: string): Promise<KeyPair> {
  const { name, secretFile } = reach.registrar;
  const secret = (await readFile(secretFile, 'utf8')).trim();
  const certificate = caName === reach.caName ? reach.caCertificate : reach.tlsCaCertificate;
  const ca = { reach, caName, certificate, registrar: () => Promise.reject(new Error('nobody is enrolled yet')) };
  const pair = await enrolWith(ca, { name, type: REGISTRAR_TYPE, attributes: {} }, secret);
  assertOwn(ca, name, pair);
  return pair;
}

/** Fabric CA keeps what it revoked: the list holds everything, these certificates included. */
async function revoke(ca: FabricCa, certificates: readonly string[]): Promise<string> {
  const run = { caName: ca.caName, identity: await ca.registrar() };
  const aki = keyIdentifierOf(ca.certificate);
  for (const certificate of certificates) {
    const serial = new X509Certificate(certificate).serialNumber.toLowerCase();
    const one = { ...run, command: ['revoke'], doing: `revoke ${serial}`, configuration: { revoke: { serial, aki } } };
    await runClient(ca.reach, one, async () => undefined).catch((error) => {
      if (!isRefused(error, ALREADY_REVOKED)) throw error;
    });
  }
  const list = { ...run, command: ['gencrl'], doing: 'make a revocation list', configuration: {} };
  return runClient(ca.reach, list, (msp) => readFile(join(msp, 'crls', 'crl.pem'), 'utf8'));
}
