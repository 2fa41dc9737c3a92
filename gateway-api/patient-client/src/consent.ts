/**
 * Signing a Consent: the text that is signed, what it says in plain data, and the resource with the signature in it. The
 * canonical form is RFC 8785's, by the library of one of its authors.
 */
import canonicalize from 'canonicalize';
import { toBase64, utf8 } from './bytes.ts';
import { isJwsOf, jwsOf, type OwnKey } from './key.ts';

export interface Resource {
  resourceType: string;
  id?: string;
  [element: string]: unknown;
}

/** What a signature is for, beside its content. */
export interface Place {
  /** Name of the provider whose data the consent governs. */
  provider: string;
  /** Id of the Patient. */
  patient: string;
  /** The version that it makes: 1 of a new one. */
  version: number;
  /** Of a caretaker, who signs in his own name. */
  caretaker?: Caretaker | undefined;
}

export interface Caretaker {
  /** `RelatedPerson/<id>` or `Person/<id>`, as his token has it. */
  name: string;
  /** Id of the delegation that names his key. */
  delegation: string;
}

/** What a patient puts on a caretaker's actor in a delegation, so that he signs with this key: an element of `extension`. */
export const caretakerKey = async ({ publicKey }: OwnKey): Promise<object> => {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  return { url: CARETAKER_KEY, valueString: JSON.stringify({ kty, crv, x, y }) };
};

const EXTENSION = 'https://telemed-ledger.example/fhir/StructureDefinition/patient-signature';
const CARETAKER_KEY = 'https://telemed-ledger.example/fhir/StructureDefinition/caretaker-key';
const TYPE = { system: 'urn:iso-astm:E1762-95:2013', code: '1.2.840.10065.1.12.1.7', display: 'Consent Signature' };

interface Extension {
  url?: string;
  valueSignature?: Record<string, unknown>;
}

const extensionsOf = ({ extension }: Resource): Extension[] =>
  Array.isArray(extension) ? (extension as Extension[]) : [];
const isSignature = ({ url }: Extension): boolean => url === EXTENSION;

/** What a gateway sets itself, and nobody signs. */
function withoutServersMeta({ meta, ...resource }: Resource): Resource {
  const { versionId: _, lastUpdated: __, ...kept } = (meta ?? {}) as Record<string, unknown>;
  return Object.keys(kept).length === 0 ? resource : { ...resource, meta: kept };
}

/** A Consent in its canonical form: two that say the same are the same text. */
export const canonicalOf = (consent: Resource): string => canonicalize(withoutServersMeta(consent)) ?? '';

/** A Consent that is to be signed: shown before it is, and signed as it was shown. */
export interface ToSign {
  place: Place & { consent: string };
  /** Everything that is signed, by FHIRPath: `Consent.provision.type` → `permit`. */
  shown: { path: string; value: string }[];
  /** The exact text. */
  text: string;
}

/**
 * Readies a consent: gives a new one its id, and puts in who signs it when.
 * @throws {Error} where it is of another patient, or has a number that RFC 8785 writes otherwise
 */
export function toSign(consent: Resource, place: Place, when: Date = new Date()): ToSign {
  const { patient } = consent as { patient?: { reference?: string } };
  if (patient?.reference !== `Patient/${place.patient}`) throw new Error('the consent is of another patient');
  const id = place.version === 1 ? crypto.randomUUID() : consent.id;
  if (id === undefined) throw new Error('a version that follows another keeps its id');
  const valueSignature = {
    ...{
      type: [TYPE],
      when: when.toISOString(),
      who: { reference: place.caretaker?.name ?? `Patient/${place.patient}` },
    },
    ...{ targetFormat: 'application/fhir+json', sigFormat: 'application/jose' },
  };
  const others = extensionsOf(consent).filter((one) => !isSignature(one));
  const extension = [...others, { url: EXTENSION, valueSignature }];
  const performer = place.caretaker === undefined ? {} : { performer: [{ reference: place.caretaker.name }] };
  const text = canonicalOf({ ...consent, ...performer, id, extension });
  return {
    place: { ...place, consent: id },
    shown: [...shownOf(place, id), ...leaves(JSON.parse(text), 'Consent')],
    text,
  };
}

const shownOf = ({ provider, version }: Place, id: string) => [
  { path: 'for the records of', value: provider },
  { path: 'consent', value: `${id}, version ${version}` },
];

function leaves(value: unknown, path: string): ToSign['shown'] {
  if (Array.isArray(value)) return value.flatMap((one, index) => leaves(one, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [{ path, value: String(value) }];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, `${path}.${name}`));
}

const TYP = 'telemed-consent+jws';

/** Signs what was shown, and answers the Consent with the signature in it. */
export async function sign({ place, text }: ToSign, key: OwnKey): Promise<Resource> {
  const { consent, version, provider, caretaker } = place;
  const by = caretaker === undefined ? {} : { delegation: caretaker.delegation };
  const [head, , tail] = await jwsOf({ typ: TYP, consent, version, provider, ...by }, text, key);
  const data = toBase64(utf8(`${head}..${tail}`));
  const resource = JSON.parse(text) as Resource;
  const extension = extensionsOf(resource).map((one) =>
    isSignature(one) ? { ...one, valueSignature: { ...one.valueSignature, data } } : one,
  );
  return { ...resource, extension };
}

/** Whose a Consent is: signed by one of these keys as this version, by none of them, or not at all. */
export async function signerOf(
  consent: Resource,
  version: number,
  provider: string,
  keys: readonly OwnKey[],
): Promise<OwnKey | 'somebody else' | 'nobody'> {
  const own = extensionsOf(consent).filter(isSignature);
  const [signature] = own;
  if (signature === undefined) return 'nobody';
  const { data, ...rest } = signature.valueSignature ?? {};
  const extension = extensionsOf(consent).map((one) => (one === signature ? { ...one, valueSignature: rest } : one));
  const jws = typeof data === 'string' ? atob(data).split('.') : [];
  const header = headerOf(jws);
  const isPlaced = header.consent === consent.id && header.version === version && header.provider === provider;
  const text = canonicalOf({ ...consent, extension });
  const key = keys.find(({ thumbprint }) => thumbprint === header.kid);
  if (own.length > 1 || !isPlaced || key === undefined || !(await isJwsOf(jws, text, key))) return 'somebody else';
  return key;
}

function headerOf([head = '']: readonly string[]): {
  kid?: string;
  consent?: string;
  version?: number;
  provider?: string;
} {
  try {
    return JSON.parse(atob(head.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return {};
  }
}
