/**
 * A patient's signature in a Consent: an extension with a FHIR Signature (hl7.org/fhir/R4/datatypes.html#signature) whose data
 * is a detached JWS over everything else of the Consent, the extension's other elements included, in canonical JSON (RFC 8785).
 */
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { type Jws, type PublicKey, readJws } from './jws.ts';
import { isExactNumber } from './numbers.ts';
import { versionSchema } from './texts.ts';

export const SIGNATURE_EXTENSION = 'https://telemed-ledger.example/fhir/StructureDefinition/patient-signature';
/** `typ` in its header. */
export const CONSENT_SIGNATURE = 'telemed-consent+jws';

/** What its protected header holds, and nothing else: by which key, and for which version of which consent, where. */
const signatureHeaderSchema = z.strictObject({
  alg: z.literal('ES256'),
  /** RFC 7638. */
  kid: z.string().max(43),
  typ: z.literal(CONSENT_SIGNATURE),
  consent: z.string().max(64),
  version: versionSchema,
  /** Name of the provider whose data the consent governs. */
  provider: z.string().max(64),
  /** Id of the delegation by which a caretaker gives it in his own name; absent of the patient herself. */
  delegation: z.string().max(64).optional(),
});

const signatureSchema = z.looseObject({
  who: z.looseObject({ reference: z.string() }),
  when: z.iso.datetime({ offset: true }),
  sigFormat: z.literal('application/jose'),
  data: z.string().max(4_096),
});

type Content = Readonly<Record<string, unknown>>;
interface Extension {
  url?: unknown;
  valueSignature?: unknown;
}

const extensionsOf = (consent: Content): readonly Extension[] =>
  Array.isArray(consent['extension']) ? (consent['extension'] as Extension[]) : [];

/** Where a Consent bears signatures: places among its extensions. */
export const signaturesIn = (consent: Content): number[] =>
  extensionsOf(consent).flatMap((extension, index) => (extension?.url === SIGNATURE_EXTENSION ? [index] : []));

const signatureAt = (consent: Content, index: number): unknown => extensionsOf(consent)[index]?.valueSignature;

/** What is signed: the Consent without the data of the signature at that place. */
export function signedText(consent: Content, index: number): string {
  const extension = extensionsOf(consent).map((one, at) => {
    if (at !== index) return one;
    const { data: _, ...rest } = one.valueSignature as Record<string, unknown>;
    return { ...one, valueSignature: rest };
  });
  return canonicalJson({ ...consent, extension });
}

/** Whether a number in it has digits that RFC 8785 would write otherwise: then other programs sign another text. */
export function hasOtherNumbers(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isExactNumber(value) || Object.values(value).some(hasOtherNumbers);
}

/** A signature as far as its form goes. */
export interface ConsentSignature {
  jws: Jws;
  header: z.infer<typeof signatureHeaderSchema>;
  /** `Patient/<id>`, or of a caretaker his reference. */
  who: string;
  when: string;
}

/** The signature at a place; undefined where it is not of the form that is taken. */
export function readSignature(consent: Content, index: number): ConsentSignature | undefined {
  const { data: found } = signatureSchema.safeParse(signatureAt(consent, index));
  const jws = found && readJws(textIn(found.data));
  const { data: header } = signatureHeaderSchema.safeParse(jws?.header);
  if (found === undefined || jws === undefined || header === undefined || jws.payload !== '') return undefined;
  return { jws, header, who: found.who.reference, when: found.when };
}

/** The text of base64; empty where it is not in its one form. */
function textIn(data: string): string {
  const bytes = Buffer.from(data, 'base64');
  return bytes.toString('base64') === data ? bytes.toString() : '';
}

/** Id of the delegation by which a caretaker has signed a consent; undefined where none has. */
export function delegationNamedIn(consent: Content): string | undefined {
  const [index] = signaturesIn(consent);
  return index === undefined ? undefined : readSignature(consent, index)?.header.delegation;
}

/** In a delegation, on the actor whose it is: the key with which he signs what he gives in his own name, a JWK. */
export const CARETAKER_KEY = 'https://telemed-ledger.example/fhir/StructureDefinition/caretaker-key';

const jwkSchema = z.looseObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().max(43),
  y: z.string().max(43),
});

interface Actor {
  reference?: { reference?: unknown };
  extension?: readonly { url?: unknown; valueString?: unknown }[];
}

/** The key of a caretaker whom a delegation names; undefined where it names none for him, or several. */
export function caretakerKeyIn(delegation: Content, name: string): PublicKey | undefined {
  const { actor = [] } = (delegation['provision'] ?? {}) as { actor?: readonly Actor[] };
  const own = actor.filter(({ reference }) => reference?.reference === name);
  const texts = own.flatMap(({ extension = [] }) =>
    extension.flatMap(({ url, valueString }) => (url === CARETAKER_KEY ? [String(valueString)] : [])),
  );
  if (texts.length !== 1) return undefined;
  try {
    const { data } = jwkSchema.safeParse(JSON.parse(texts[0]!));
    return data && { x: data.x, y: data.y };
  } catch {
    return undefined;
  }
}
