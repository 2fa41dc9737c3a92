/** What differs between two configurations of a channel, in an operator's words, a line for each thing. */
import { X509Certificate } from 'node:crypto';
import { common, orderer, peer } from '@hyperledger/fabric-protos';
import { entriesOf } from '@telemed-ledger/formats/channel/config-group.ts';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { policyText } from '@telemed-ledger/formats/policies/policy-bytes.ts';

/** How an operator calls what the configuration knows by address and MSP. */
export interface Names {
  ordererAt(host: string, port: number): string;
  organisationOf(mspId: string): string;
}

export function differences(before: common.ConfigGroup, after: common.ConfigGroup, names: Names): string[] {
  return groupDifferences(before, after, [], names);
}

function groupDifferences(
  before: common.ConfigGroup,
  after: common.ConfigGroup,
  path: readonly string[],
  names: Names,
): string[] {
  const where = placeOf(path, names);
  const lines = [
    ...valueDifferences(before, after, names).map((line) => `${where}${line}`),
    ...policyDifferences(before, after).map((line) => `${where}${line}`),
  ];
  for (const [key, group] of entriesOf(after.getGroupsMap())) {
    const known = before.getGroupsMap().get(key);
    if (known === undefined) lines.push(`${placeOf([...path, key], names)}becomes a member`);
    else lines.push(...groupDifferences(known, group, [...path, key], names));
  }
  for (const [key] of entriesOf(before.getGroupsMap()))
    if (!after.getGroupsMap().has(key)) lines.push(`${placeOf([...path, key], names)}is no member any more`);
  return lines;
}

function placeOf(path: readonly string[], names: Names): string {
  const [section, mspId] = path;
  if (section === undefined) return 'channel: ';
  const room = section === 'Orderer' ? 'ordering' : 'members';
  return mspId === undefined ? `${room}: ` : `${room}, ${names.organisationOf(mspId)}: `;
}

type Describe = (before: Uint8Array, after: Uint8Array, names: Names) => string[];

/** By the value's name; anything else is said to differ. */
const VALUES: Record<string, Describe> = {
  BatchTimeout: (before, after) =>
    fields({ 'batch timeout': (bytes) => orderer.BatchTimeout.deserializeBinary(bytes).getTimeout() }, before, after),
  BatchSize: (before, after) =>
    fields(
      {
        'messages in a batch': (bytes) => orderer.BatchSize.deserializeBinary(bytes).getMaxMessageCount(),
        'bytes in a batch, at most': (bytes) => orderer.BatchSize.deserializeBinary(bytes).getAbsoluteMaxBytes(),
        'bytes in a batch, preferably': (bytes) => orderer.BatchSize.deserializeBinary(bytes).getPreferredMaxBytes(),
      },
      before,
      after,
    ),
  ConsensusType: consensusDifferences,
  Orderers: consenterDifferences,
  Endpoints: (before, after) =>
    listDifferences(
      'address',
      ...each(before, after, (bytes) => common.OrdererAddresses.deserializeBinary(bytes).getAddressesList()),
    ),
  AnchorPeers: (before, after) => listDifferences('anchor peer', ...each(before, after, anchorsIn)),
  Capabilities: (before, after) => listDifferences('capability', ...each(before, after, capabilitiesIn)),
  MSP: (before, after) => [
    ...listDifferences('authority', ...each(before, after, authoritiesIn)),
    ...listDifferences('TLS authority', ...each(before, after, tlsAuthoritiesIn)),
    ...listDifferences('revocation list', ...each(before, after, revocationsIn)),
  ],
};

function valueDifferences(before: common.ConfigGroup, after: common.ConfigGroup, names: Names): string[] {
  const keys = new Set([before, after].flatMap((group) => entriesOf(group.getValuesMap()).map(([key]) => key)));
  return [...keys].flatMap((key) => {
    const [was, is] = [before, after].map((group) => group.getValuesMap().get(key)?.getValue_asU8());
    if (was === undefined) return [`${key} is new`];
    if (is === undefined) return [`${key} is taken away`];
    if (Buffer.from(was).equals(is)) return [];
    const lines = VALUES[key]?.(was, is, names) ?? [];
    return lines.length > 0 ? lines : [`${key} differs`];
  });
}

function policyDifferences(before: common.ConfigGroup, after: common.ConfigGroup): string[] {
  const keys = new Set([before, after].flatMap((group) => entriesOf(group.getPoliciesMap()).map(([key]) => key)));
  return [...keys].flatMap((key) => {
    const [was, is] = [before, after].map((group) => wordsOf(group.getPoliciesMap().get(key)?.getPolicy()));
    // The quorum of the ordering nodes follows from them, which have a line of their own.
    return was === is || key === 'BlockValidation' ? [] : [`policy ${key}: ${was} → ${is}`];
  });
}

function wordsOf(policy: common.Policy | undefined): string {
  if (policy === undefined) return 'none';
  if (policy.getType() !== common.Policy.PolicyType.IMPLICIT_META) return policyText(policy.getValue_asU8());
  const meta = common.ImplicitMetaPolicy.deserializeBinary(policy.getValue_asU8());
  const { ANY, ALL } = common.ImplicitMetaPolicy.Rule;
  const rule = meta.getRule() === ANY ? 'ANY' : meta.getRule() === ALL ? 'ALL' : 'MAJORITY';
  return `${rule} ${meta.getSubPolicy()}`;
}

function fields(
  read: Record<string, (bytes: Uint8Array) => string | number>,
  before: Uint8Array,
  after: Uint8Array,
): string[] {
  return Object.entries(read).flatMap(([name, of]) =>
    of(before) === of(after) ? [] : [`${name} ${of(before)} → ${of(after)}`],
  );
}

function consensusDifferences(before: Uint8Array, after: Uint8Array): string[] {
  const [was, is] = each(before, after, (bytes) => orderer.ConsensusType.deserializeBinary(bytes));
  if (was.getType() !== is.getType()) return [`kind of ordering ${was.getType()} → ${is.getType()}`];
  if (is.getType() !== 'BFT') return [];
  const [old, now] = each(was.getMetadata_asU8(), is.getMetadata_asU8(), (bytes) =>
    Object.entries(orderer.smartbft.Options.deserializeBinary(bytes).toObject()),
  );
  return now.flatMap(([name, value], index) =>
    value === old[index]?.[1] ? [] : [`${name} ${old[index]?.[1]} → ${value}`],
  );
}

function consenterDifferences(before: Uint8Array, after: Uint8Array, { ordererAt }: Names): string[] {
  const [was, is] = each(before, after, consentersIn);
  const named = (one: common.Consenter): string => ordererAt(one.getHost(), one.getPort());
  return [
    ...is.flatMap((one) => {
      const old = was.find((other) => other.getId() === one.getId());
      return old === undefined ? [`${named(one)} becomes an orderer`] : oneConsenter(named(one), old, one);
    }),
    ...was
      .filter((old) => !is.some((one) => one.getId() === old.getId()))
      .map((old) => `${named(old)} is no orderer any more`),
  ];
}

function oneConsenter(name: string, old: common.Consenter, now: common.Consenter): string[] {
  const addresses = [old, now].map((one) => `${one.getHost()}:${one.getPort()}`);
  const certificates: [string, (one: common.Consenter) => Uint8Array][] = [
    ['certificate', (one) => one.getIdentity_asU8()],
    ['TLS certificate', (one) => one.getServerTlsCert_asU8()],
  ];
  return [
    ...(addresses[0] === addresses[1] ? [] : [`${name} is reached at ${addresses[1]} instead of ${addresses[0]}`]),
    ...certificates.flatMap(([what, of]) =>
      Buffer.from(of(old)).equals(of(now))
        ? []
        : [`${name}'s ${what}: ${certificate(of(old))} → ${certificate(of(now))}`],
    ),
  ];
}

const SHOWN_OF_SERIAL = 8;

/** Enough to tell one from another; no key and no name. */
function certificate(pem: Uint8Array): string {
  try {
    const { serialNumber, validToDate } = new X509Certificate(Buffer.from(pem));
    return `${serialNumber.slice(0, SHOWN_OF_SERIAL).toLowerCase()} until ${validToDate.toISOString().slice(0, 10)}`;
  } catch {
    return 'one that cannot be read';
  }
}

function listDifferences(what: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((one) => !before.includes(one)).map((one) => `${what} ${one} is new`),
    ...before.filter((one) => !after.includes(one)).map((one) => `${what} ${one} is taken away`),
  ];
}

const each = <T>(before: Uint8Array, after: Uint8Array, of: (bytes: Uint8Array) => T): [T, T] => [
  of(before),
  of(after),
];

/** Of an `Orderers` value. */
export const consentersIn = (bytes: Uint8Array): common.Consenter[] =>
  common.Orderers.deserializeBinary(bytes).getConsenterMappingList();

const anchorsIn = (bytes: Uint8Array): string[] =>
  peer.AnchorPeers.deserializeBinary(bytes)
    .getAnchorPeersList()
    .map((one) => `${one.getHost()}:${one.getPort()}`);

const capabilitiesIn = (bytes: Uint8Array): string[] =>
  entriesOf(common.Capabilities.deserializeBinary(bytes).getCapabilitiesMap()).map(([name]) => name);

const authoritiesIn = (bytes: Uint8Array): string[] => readMspConfig(bytes).getRootCertsList_asU8().map(certificate);

const tlsAuthoritiesIn = (bytes: Uint8Array): string[] =>
  readMspConfig(bytes).getTlsRootCertsList_asU8().map(certificate);

const SHOWN_OF_LIST = 12;

/** A list has no name; the end of its text is its signature. */
const revocationsIn = (bytes: Uint8Array): string[] =>
  readMspConfig(bytes)
    .getRevocationListList_asU8()
    .map((pem) =>
      Buffer.from(pem)
        .toString('utf8')
        .replace(/-----[^-]+-----|\s/g, '')
        .slice(-SHOWN_OF_LIST),
    );
