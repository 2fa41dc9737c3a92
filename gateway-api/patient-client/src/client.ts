/**
 * A patient's side of her own key at her gateway, which she need not trust: what she signs is what she was shown, and what the
 * gateway answers, shows later and has a receipt of is held against it. It stores nothing and talks to nobody else.
 */
import canonicalize from 'canonicalize';
import { toBase64 } from './bytes.ts';
import { type Code, readCode, signedWithCode } from './code.ts';
import { type Caretaker, canonicalOf, type Resource, sign, signerOf, type ToSign, toSign } from './consent.ts';
import { jwsOf, type OwnKey, requestFor } from './key.ts';
import { signStatement } from './statement.ts';

export interface ClientOptions {
  /** Of her gateway, without a slash at the end. */
  baseUrl: string;
  /** Bearer token, anew for each request. */
  token: () => string | Promise<string>;
  /** Id of her Patient. */
  patient: string;
  /** Of a caretaker, whose token and key these are. */
  caretaker?: Caretaker;
  fetch?: typeof globalThis.fetch;
  /** Checks a receipt with roots that she has from elsewhere (`checkReceipt` of the verifier), and answers its content. */
  checkReceipt?: (receipt: Uint8Array) => Promise<{ content?: { value: string } | undefined }>;
}

/** Her keys as the gateway says. */
export interface KeyList {
  provider: string;
  /** Thumbprint; absent where the custodian acts in trust. */
  inForce?: string;
  pending?: { thumbprint: string; from: string };
  keys: { thumbprint: string; how: string; from: string; until?: string; ended?: string }[];
}

/** The gateway refused, or could not. */
export class GatewayError extends Error {
  readonly status: number;
  readonly outcome: unknown;
  constructor(status: number, outcome: unknown) {
    super(`the gateway answered ${status}`);
    this.status = status;
    this.outcome = outcome;
  }
}

/** The gateway has something else than she signed. */
export class Swapped extends Error {}

/** Kept by the gateway, since the provider is away: not on the ledger yet. */
export interface Kept {
  kept: true;
  location: string;
  consent: Resource;
}
export interface Recorded {
  kept: false;
  consent: Resource;
  version: number;
  transactionId: string;
}

/** How long a receipt is waited for, and how often it is asked for. */
const RECEIPT_MS = 60_000;
const RECEIPT_PAUSE_MS = 500;

interface Answered {
  status: number;
  headers: Headers;
  body: unknown;
}

export class PatientClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Her keys at the provider that has her record. @throws {GatewayError} */
  async keys(): Promise<KeyList> {
    return (await this.#ask('GET', '/patient-keys')).body as KeyList;
  }

  /**
   * Enrols a key by the code that her provider has handed her.
   * @throws {Error} for a mistyped code. @throws {GatewayError}. @throws {Swapped} where the gateway then shows another key
   */
  async enrol(code: string, key: OwnKey): Promise<KeyList> {
    const read = await readCode(code);
    const { provider } = await this.keys();
    const request = await requestFor(key);
    await this.#operation('enrol-key', await this.#enrolment(read, provider, request));
    const list = await this.keys();
    if (list.inForce === key.thumbprint || list.pending?.thumbprint === key.thumbprint) return list;
    throw new Swapped('the gateway shows another key than the one that was enrolled');
  }

  async #enrolment(code: Code, provider: string, request: Uint8Array<ArrayBuffer>): Promise<object[]> {
    const { patient } = this.#options;
    return [
      { name: 'code-id', valueString: code.id },
      { name: 'request', valueBase64Binary: toBase64(request) },
      { name: 'signature', valueString: await signedWithCode(code, { provider, patient, request }) },
    ];
  }

  /** Puts another key in the place of the one in force. @throws {GatewayError}. @throws {Swapped} */
  async rotate(key: OwnKey, next: OwnKey): Promise<KeyList> {
    const request = { name: 'request', valueBase64Binary: toBase64(await requestFor(next)) };
    const list = await this.#change('rotate', key, next.thumbprint, [request]);
    if (list.inForce !== next.thumbprint)
      throw new Swapped('the gateway shows another key than the one that was enrolled');
    return list;
  }

  /** Ends the key in force: the custodian acts in trust again. @throws {GatewayError} */
  revoke(key: OwnKey): Promise<KeyList> {
    return this.#change('revoke', key);
  }

  /** Ends a recovery that she has not asked for. @throws {GatewayError} */
  cancel(key: OwnKey): Promise<KeyList> {
    return this.#change('cancel', key);
  }

  async #change(act: string, key: OwnKey, other?: string, more: object[] = []): Promise<KeyList> {
    const { provider, keys } = await this.keys();
    const { patient } = this.#options;
    const said = {
      act,
      provider,
      patient,
      keys: keys.length,
      ...(other && { key: other }),
      when: new Date().toISOString(),
    };
    const jws = await jwsOf({ typ: 'telemed-key+jws' }, canonicalize(said) ?? '', key);
    await this.#operation('change-key', [{ name: 'statement', valueString: jws.join('.') }, ...more]);
    return this.keys();
  }

  /** Readies a new consent, or with its id the next version of one, to be shown and then given. @throws {GatewayError} */
  async prepare(consent: Resource): Promise<ToSign> {
    const { patient } = this.#options;
    const { provider } = await this.keys();
    const before = consent.id === undefined ? 0 : await this.#versionOf(consent.id);
    return toSign(consent, { provider, patient, version: before + 1, caretaker: this.#options.caretaker });
  }

  async #versionOf(id: string): Promise<number> {
    const { body } = await this.#ask('GET', `/fhir/R4/Consent/${id}`);
    return Number((body as { meta?: { versionId?: string } }).meta?.versionId);
  }

  /**
   * Signs what was shown, has it recorded, and checks what is answered and what is read afterwards.
   * @throws {GatewayError}. @throws {Swapped} where it is not, byte for byte, what she signed
   */
  async give(shown: ToSign, key: OwnKey): Promise<Recorded | Kept> {
    const consent = await sign(shown, key);
    const { version } = shown.place;
    const { status, headers, body } = await (version === 1
      ? this.#ask('POST', '/fhir/R4/Consent', consent)
      : this.#ask('PUT', `/fhir/R4/Consent/${consent.id}`, consent));
    if (status === 202) return { kept: true, location: headers.get('location') ?? '', consent };
    this.#compare(body, consent, 'answers');
    await this.confirm(consent, version);
    return { kept: false, consent, version, transactionId: headers.get('x-transaction-id') ?? '' };
  }

  /** Holds what the gateway shows of a version, and its receipt where one can be checked, against what she signed. @throws {Swapped} */
  async confirm(consent: Resource, version: number): Promise<void> {
    const { body } = await this.#ask('GET', `/fhir/R4/Consent/${consent.id}/_history/${version}`);
    this.#compare(body, consent, 'shows');
    const { checkReceipt } = this.#options;
    if (checkReceipt === undefined) return;
    const { content } = await checkReceipt(new TextEncoder().encode(await this.#receiptOf(consent, version)));
    const { resource } = JSON.parse(content?.value ?? '{}') as { resource?: Resource };
    this.#compare(resource, consent, 'has a receipt of');
  }

  /** Members sign what is on the ledger seconds later. */
  async #receiptOf({ id }: Resource, version: number): Promise<string> {
    for (const until = Date.now() + RECEIPT_MS; ; ) {
      try {
        return String((await this.#ask('GET', `/resource-receipts/Consent/${id}/${version}/tlog-proof`)).body);
      } catch (error) {
        const isEarly = error instanceof GatewayError && error.status === 503 && Date.now() < until;
        if (!isEarly) throw error;
        await new Promise((resolve) => setTimeout(resolve, RECEIPT_PAUSE_MS));
      }
    }
  }

  #compare(found: unknown, signed: Resource, what: string): void {
    if (typeof found === 'object' && found !== null && canonicalOf(found as Resource) === canonicalOf(signed)) return;
    throw new Swapped(`the gateway ${what} another consent than was signed`);
  }

  /**
   * Her consents that are in force, each with who gave it as far as signatures show: one of her keys, somebody else, or nobody.
   * What nobody has signed was given in trust; see since when she has a key. @throws {GatewayError}
   */
  async examine(keys: readonly OwnKey[]): Promise<{ consent: Resource; by: string }[]> {
    const { patient } = this.#options;
    const { provider } = await this.keys();
    const found: { consent: Resource; by: string }[] = [];
    for (
      let path: string | undefined = `/fhir/R4/Consent?patient=Patient/${patient}&_count=100`;
      path !== undefined;
    ) {
      const { body } = await this.#ask('GET', path);
      const { entry = [], link = [] } = body as {
        entry?: { resource: Resource }[];
        link?: { relation: string; url: string }[];
      };
      for (const { resource } of entry)
        if (resource['status'] === 'active') found.push(await examined(resource, provider, keys));
      const next = link.find(({ relation }) => relation === 'next')?.url;
      path = next?.slice(next.indexOf('/fhir/R4/'));
    }
    return found;
  }

  /**
   * Confirms a visit of hers, signed. @param encounter its id @throws {GatewayError}
   */
  async confirmVisit(encounter: string, key: OwnKey): Promise<void> {
    const { provider } = await this.keys();
    const { patient } = this.#options;
    const about = `Encounter/${encounter}`;
    const statement = await signStatement({ act: 'confirm', about, provider, patient }, key);
    const parameter = [{ name: 'statement', valueString: statement }];
    await this.#ask('POST', `/fhir/R4/${about}/$confirm`, { resourceType: 'Parameters', parameter });
  }

  /**
   * Appeals against a decision about a claim of hers, signed.
   * @param appealed ids of the Claim and of the ClaimResponse, as her ExplanationOfBenefit names them @throws {GatewayError}
   */
  async appeal(appealed: { claim: string; response: string }, reason: string, key: OwnKey): Promise<void> {
    const { provider } = await this.keys();
    const { patient } = this.#options;
    const about = `ClaimResponse/${appealed.response}`;
    const statement = await signStatement({ act: 'appeal', about, provider, patient, reason }, key);
    const parameter = [
      { name: 'reason', valueString: reason },
      { name: 'statement', valueString: statement },
    ];
    await this.#ask('POST', `/fhir/R4/Claim/${appealed.claim}/$appeal`, { resourceType: 'Parameters', parameter });
  }

  #operation(name: string, parameter: object[]): Promise<Answered> {
    const path = `/fhir/R4/Patient/${this.#options.patient}/$${name}`;
    return this.#ask('POST', path, { resourceType: 'Parameters', parameter });
  }

  async #ask(method: string, path: string, body?: object): Promise<Answered> {
    const { baseUrl, token, patient, fetch = globalThis.fetch } = this.#options;
    const sent = {
      authorization: `Bearer ${await token()}`,
      'content-type': 'application/fhir+json',
      // A caretaker acts for several, and several records may be hers.
      'x-patient': `Patient/${patient}`,
    };
    const response = await fetch(baseUrl + path, {
      ...{ method, headers: sent },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    const answered: unknown = isJson ? JSON.parse(text) : text;
    if (response.status >= 300) throw new GatewayError(response.status, answered);
    return { status: response.status, headers: response.headers, body: answered };
  }
}

async function examined(consent: Resource, provider: string, keys: readonly OwnKey[]) {
  const version = Number((consent['meta'] as { versionId?: string } | undefined)?.versionId);
  const by = await signerOf(consent, version, provider, keys);
  return { consent, by: typeof by === 'string' ? by : by.thumbprint };
}
