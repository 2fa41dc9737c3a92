/**
 * The FHIR room's Repository: reads from the read model as far as the caller may see, and turns each write into
 * the one ledger transaction it is at this kind of organisation.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { compartmentOf, unwritable } from '../../auth/entitlement.ts';
import type {
  Caller,
  Idempotency,
  IdempotentRequest,
  Receipt,
  Replay,
  Repository,
  Search,
  SearchPage,
  StoredResource,
  Write,
} from '../../fhir/repository.ts';
import type { GroupCommit } from '../../group-commit/group-commit.ts';
import type { IdempotentWrites } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { BeforeSubmit, LedgerClient, Sender } from '../../ledger/client.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { senderOf } from '../../ledger/sender.ts';
import type { Disclosures } from '../access/disclosures.ts';
import { consentChange } from '../consents/changes.ts';
import { draftOf, record } from './groups.ts';

export interface RecordsOptions {
  organisation: Organisation;
  consortium: Consortium;
  index: ReadModel;
  ledger: LedgerClient;
  records: GroupCommit<Draft>;
  idempotent: IdempotentWrites;
  disclosures: Disclosures;
}

const COVERAGE_PROVIDER = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';
const AUDIT = 'AuditEvent';

export class Records implements Repository {
  readonly #options: RecordsOptions;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  async read(caller: Caller, type: string, id: string): Promise<StoredResource | undefined> {
    const compartment = compartmentOf(caller);
    if (type === AUDIT) return this.#options.disclosures.read(id, compartment);
    return this.#options.index.newest(type, id, compartment);
  }

  async readVersion(caller: Caller, type: string, id: string, version: number): Promise<StoredResource | undefined> {
    return (await this.history(caller, type, id)).find((one) => one.version === version);
  }

  async history(caller: Caller, type: string, id: string): Promise<StoredResource[]> {
    const compartment = compartmentOf(caller);
    if (type !== AUDIT) return this.#options.index.versions(type, id, { compartment });
    const event = await this.#options.disclosures.read(id, compartment);
    return event === undefined ? [] : [event];
  }

  async search(caller: Caller, search: Search): Promise<SearchPage> {
    const compartment = compartmentOf(caller);
    if (search.type === AUDIT) return this.#options.disclosures.search(search, compartment);
    const page = await this.#options.index.search(search, compartment);
    // A total would count what the compartment hides, were it ever computed without it: patients get none.
    return compartment === undefined ? page : { matches: page.matches, ...(page.next ? { next: page.next } : {}) };
  }

  missing(references: string[]): Promise<string[]> {
    return this.#options.index.missing(references);
  }

  findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]> {
    return this.#options.index.findByIdentifier(queries);
  }

  async write(caller: Caller, writes: Write[], idempotency?: Idempotency): Promise<Receipt> {
    const { kind } = this.#options.organisation;
    for (const { resource } of writes) {
      const reason = unwritable(kind, resource.resourceType);
      if (reason !== undefined) throw new LedgerError('FORBIDDEN', reason, resource.resourceType);
    }
    const sender = senderOf(caller);
    const { idempotent } = this.#options;
    return idempotent.run(caller, idempotency, (beforeSubmit) => this.#submit(caller, sender, writes, beforeSubmit));
  }

  replay(caller: Caller, request: IdempotentRequest): Promise<Replay | undefined> {
    return this.#options.idempotent.replay(caller, request);
  }

  async #submit(caller: Caller, sender: Sender, writes: Write[], before: BeforeSubmit | undefined): Promise<Outcome> {
    const { kind } = this.#options.organisation;
    if (kind === 'provider') return record(this.#options.records, caller, writes, before);
    const [write, ...more] = writes;
    if (write === undefined || more.length > 0) {
      throw new LedgerError('INVALID', 'consents and coverages are written one in a transaction');
    }
    if (kind === 'payer') return this.#cover(sender, write, before);
    const own = compartmentOf(caller);
    if (own !== undefined && patientIdOf(write.resource) !== own) {
      throw new LedgerError('FORBIDDEN', 'a patient acts on consents of their own only', 'Consent.patient');
    }
    return this.#consent(sender, write, before);
  }

  #cover(as: Sender, write: Write, beforeSubmit: BeforeSubmit | undefined): Promise<Outcome> {
    const extensions = (write.resource['extension'] ?? []) as { url?: string; valueString?: string }[];
    const providers = extensions
      .filter(({ url }) => url === COVERAGE_PROVIDER)
      .map(({ valueString }) => valueString ?? '');
    if (providers.length === 0) {
      throw new LedgerError(
        'INVALID',
        `name the providers that may see it by ${COVERAGE_PROVIDER}`,
        'Coverage.extension',
      );
    }
    const input = { providers: [...new Set(providers)] };
    return this.#options.ledger.submit('RegisterCoverage', input, { coverage: draftOf(write) }, { as, beforeSubmit });
  }

  async #consent(as: Sender, write: Write, beforeSubmit: BeforeSubmit | undefined): Promise<Outcome> {
    const { index, ledger, consortium } = this.#options;
    const { resource, version } = write;
    const { id } = resource;
    const newest = await index.newest('Consent', id);
    if (version !== (newest?.version ?? 0) + 1) throw new LedgerError('CONFLICT', 'this is not the next version');
    const change = await consentChange(resource, version, index, consortium);
    if ('revoke' in change) return ledger.submit('RevokeConsent', { id }, undefined, { as, beforeSubmit });
    const name = 'grant' in change ? 'GrantConsent' : 'AmendConsent';
    const provider = 'grant' in change ? change.grant : change.amend;
    return ledger.submit(name, { id, provider }, { consent: draftOf(write) }, { as, beforeSubmit });
  }
}
