/**
 * A patient's signature in a Consent: an extension with a FHIR Signature (hl7.org/fhir/R4/datatypes.html#signature) whose data
 * is a detached JWS over everything else of the Consent, the extension's other elements included, in canonical JSON (RFC 8785).
 */
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { isExactNumber } from './numbers.ts';
import { versionSchema } from './texts.ts';

export const SIGNATURE_EXTENSION = 'https://telemed-ledger.example/fhir/StructureDefinition/patient-signature';
/** `typ` in its header. */
export const CONSENT_SIGNATURE = 'telemed-consent+jws';

/** What its protected header holds, and nothing else: by which key, and for which version of which consent, where. */
export const signatureHeaderSchema = z.strictObject({
  alg: z.literal('ES256'),
  /** RFC 7638. */
  kid: z.string().max(43),
  typ: z.literal(CONSENT_SIGNATURE),
  consent: z.string().max(64),
  version: versionSchema,
  /** Name of the provider whose data the consent governs. */
  provider: z.string().max(64),
});

export const signatureSchema = z.looseObject({
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

/** The signature at a place. */
export const signatureAt = (consent: Content, index: number): unknown => extensionsOf(consent)[index]?.valueSignature;

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
