/**
 * How a delivery of any size is carried: in parts, what is critical first. Each part after the first is an access of its own
 * that goes on from the one before; a place in the order says where it begins and ends, whatever is recorded or denied later.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { uuidFrom } from './canonical.ts';
import { codeSchema, fhirIdSchema, instantSchema, saltSchema, table } from './texts.ts';

/** The order of the groups; all other types are the last one. */
const GROUPS: readonly (readonly string[])[] = [
  ['Patient'],
  ['AllergyIntolerance'],
  ['Condition'],
  ['MedicationRequest', 'MedicationStatement', 'MedicationAdministration', 'MedicationDispense', 'Medication'],
];

/** Where a record stands in the order of deliveries: its group, and in it the one that was recorded last comes first. */
export const deliveryPlaceSchema = z.strictObject({
  group: z.int().min(0).max(GROUPS.length),
  /** When its first version was recorded. */
  at: instantSchema,
  id: fhirIdSchema,
});
export type DeliveryPlace = z.infer<typeof deliveryPlaceSchema>;

export function placeOfRecord(type: string, at: string, id: string): DeliveryPlace {
  const group = GROUPS.findIndex((types) => types.includes(type));
  return { group: group === -1 ? GROUPS.length : group, at, id };
}

/** Negative where the one is delivered before the other. */
export function comparePlaces(one: DeliveryPlace, other: DeliveryPlace): number {
  const order = one.group - other.group || Date.parse(other.at) - Date.parse(one.at);
  return order !== 0 ? order : one.id < other.id ? -1 : Number(one.id > other.id);
}

/** From behind a place up to one; open where it is not said. */
export const stretchSchema = z.strictObject({
  after: deliveryPlaceSchema.optional(),
  upTo: deliveryPlaceSchema.optional(),
});
export type Stretch = z.infer<typeof stretchSchema>;

export const isWithin = (place: DeliveryPlace, { after, upTo }: Stretch): boolean =>
  (after === undefined || comparePlaces(place, after) > 0) && (upTo === undefined || comparePlaces(place, upTo) <= 0);

/** What an access says of being a part. */
interface Part {
  part?: number | undefined;
  stretch?: Stretch | undefined;
  through?: DeliveryPlace | undefined;
}

/** 1 for what is delivered first. */
export const partOf = ({ part = 1 }: Part): number => part;

const stretchOf = (after: DeliveryPlace | undefined, upTo: DeliveryPlace | undefined): Pick<Part, 'stretch'> =>
  after === undefined && upTo === undefined
    ? {}
    : { stretch: { ...(after === undefined ? {} : { after }), ...(upTo === undefined ? {} : { upTo }) } };

/** What the next part is about: all behind what this one ends with. */
export const restOf = ({ stretch = {}, through }: Part): Pick<Part, 'stretch'> => stretchOf(through, stretch.upTo);

/** What this part is about, as it is delivered anew: that, and nothing of the next. */
export const sameOf = ({ stretch = {}, through }: Part): Pick<Part, 'stretch'> =>
  stretchOf(stretch.after, through ?? stretch.upTo);

/** Id of the access that carries what comes behind one: there is no second. */
export const continuationOf = (access: string): string => uuidFrom(`continuation/${access}`);

/** Why something that was asked for could not even be looked at. */
export const UNREADABLE = ['unreadable', 'invalid', 'too-large', 'not-arrived'] as const;

/** What was asked for and is not delivered: how many records, by reason. */
export const withheldSchema = table(codeSchema, z.int().min(1).max(999_999), 20);
export type Withheld = z.infer<typeof withheldSchema>;

/** `account/<access>` in care_<Holder>: what became of a part, for its holder, the custodian and the patient. */
export const accountSchema = z.strictObject({
  schema: z.literal(1),
  id: fhirIdSchema,
  requestor: nameSchema,
  delivered: z.int().min(0).max(999_999),
  withheld: withheldSchema,
  salt: saltSchema,
});
export type Account = z.infer<typeof accountSchema>;

/** Of an emergency: something that was asked for is withheld, since its patient has it restricted. */
export const restrictedShape = { restricted: z.literal(true).optional() };

/** What whoever has something delivered says of the part: the place of its last record where more follows. */
export const partShape = {
  through: deliveryPlaceSchema.optional(),
  /** Something that was asked for could not be looked at. */
  unreadable: z.literal(true).optional(),
};
