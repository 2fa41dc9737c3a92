/** What consortium.yaml says beyond the members: ports, the endorsement floor, orderers and batches. */
import { z } from 'zod';
import { type Consortium, nameSchema, organisationSchema } from './members.ts';
import type { PolicyRule } from './policies.ts';

const port = z.int().min(1).max(65_535);

/** A name or an IPv4 address by which the hosts of other organisations reach a node; without one all run on one machine. */
const host = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be a host name in lower case, or an IPv4 address')
  .optional();

const batchSchema = z.strictObject({
  timeoutMs: z.int().min(1).max(60_000),
  maxMessageCount: z.int().min(1).max(10_000),
  preferredMaxBytes: z.int().min(1024),
  absoluteMaxBytes: z
    .int()
    .min(1024)
    .max(99 * 1024 * 1024),
});

const organisationDefinitionSchema = organisationSchema.extend({ host, gatewayPort: port, peerPort: port });

/** Beyond this a peer takes minutes to agree on a definition. */
const MOST_EMPTY_COLLECTIONS = 1_000;

export const definitionSchema = z.strictObject({
  channel: z.string().regex(/^[a-z][a-z0-9.-]{0,248}$/, 'must be lower-case letters, digits, dots and hyphens'),
  chaincode: z.string().regex(/^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$/, 'must be letters and digits, joined by - or _'),
  organisations: z.array(organisationDefinitionSchema),
  policies: z.strictObject({
    endorsement: z.strictObject({ any: z.int().min(2), of: z.array(z.string()).optional() }),
  }),
  ordering: z.strictObject({
    toleratedFaults: z.int().min(1),
    orderers: z.array(z.strictObject({ name: nameSchema, organisation: z.string(), host, port })),
    batch: batchSchema,
  }),
  /** Collections that nothing is written to, for measuring what their number costs (`npm run bench -- scale`). */
  emptyCollections: z.int().min(0).max(MOST_EMPTY_COLLECTIONS).optional(),
});

export type OrganisationDefinition = z.infer<typeof organisationDefinitionSchema>;
export type ConsortiumDefinition = z.infer<typeof definitionSchema>;
export type Batch = z.infer<typeof batchSchema>;

/** What the chaincode and the gateways are given of it. */
export const membersOf = ({ channel, chaincode, organisations }: ConsortiumDefinition): Consortium => ({
  channel,
  chaincode,
  organisations: organisations.map(({ name, mspId, kind }) => ({ name, mspId, kind })),
});

/** The floor for everything on the ledger: any so many organisations (DESIGN: any two). */
export function endorsementFloor({ organisations, policies }: ConsortiumDefinition): PolicyRule {
  const { any, of } = policies.endorsement;
  const counted = organisations.filter(({ name }) => of === undefined || of.includes(name));
  return { need: any, of: counted.map(({ mspId }) => mspId) };
}
