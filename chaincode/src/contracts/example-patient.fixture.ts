/** For tests of consents and access: a ledger on which the hospital has a patient, and what is done about them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { MemoryLedger, type Outcome, type Request } from '../ledger/memory-ledger.fixture.ts';
import { beginningOf, erasureHandle } from '../model/erasures.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { ORGANISATION_SYSTEM } from '../model/organisations.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { AccessState, Because, ConsentState, Draft, OutputOf, PrivateOf } from '../model/transactions.ts';
import { Access } from './access.ts';
import { Consents } from './consents.ts';
import { Corrections } from './corrections.ts';
import { Emergencies } from './emergencies.ts';
import { Erasures } from './erasures.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { PatientKeys } from './patient-keys.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';
import { Renewals } from './renewals.ts';

export const newSalt = (): string => randomBytes(32).toString('hex');
export const identifier = { system: 'urn:oid:2.16.840.1.113883.19.5', value: 'MRN-4711' };
export const patients = { from: 'patients', role: 'system' } as const;
export const toOrganisation = (value: string) => [
  { reference: { identifier: { system: ORGANISATION_SYSTEM, value } } },
];

const PRIVACY = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
};

/** Name of a provider, and the id of one of its records. */
export type PlacedRecord = readonly [provider: string, id: string];

export type Came = Pick<AccessState, 'status' | 'reason' | 'consent'>;

/** A ledger with the three contracts, and shorter ways to call them. */
export class ExamplePatient {
  readonly ledger = new MemoryLedger(exampleConsortium, [
    new Records(exampleConsortium),
    new Consents(exampleConsortium),
    new Access(exampleConsortium),
    new Emergencies(exampleConsortium),
    new Registry(exampleConsortium),
    new Erasures(exampleConsortium),
    new Corrections(exampleConsortium),
    new Renewals(exampleConsortium),
    new PatientKeys(exampleConsortium),
  ]);
  patientId = '';

  /** Records the Patient at the hospital. */
  async arrive(): Promise<void> {
    this.patientId = await this.record({ resourceType: 'Patient', identifier: [identifier], birthDate: '1970-01-01' });
  }

  /** Records a resource at the hospital, under an id of its author's, and answers the id. */
  async record(content: object, version = 1, id: string = randomUUID()): Promise<string> {
    const draft = recordDraft({ ...content, id } as Resource, version);
    await this.ledger.submit('RecordVersions', recording([sheetOf([draft])]));
    return id;
  }

  /** A record version of the hospital's as evidence. */
  evidence(id: string, version = 1): RecordEvidence {
    return evidenceFrom(this.ledger, 'hospital', id, version);
  }

  /** Of whichever provider. */
  evidenceAt(provider: string, id: string): RecordEvidence {
    return evidenceFrom(this.ledger, provider, id);
  }

  observation(): Promise<string> {
    return this.record({ resourceType: 'Observation', subject: { reference: `Patient/${this.patientId}` } });
  }

  consent(provision: object, id: string = randomUUID(), version = 1): Draft {
    const patient = { reference: `Patient/${this.patientId}` };
    const organization = [{ reference: 'Organization/hospital' }];
    const resource = {
      resourceType: 'Consent',
      id,
      status: 'active',
      scope: PRIVACY,
      patient,
      organization,
      provision,
    };
    return { id, version, salt: newSalt(), resource };
  }

  /** `actors` are records that tell whom it names, by their provider. */
  grant(consent: Draft, caller: object = {}, actors: readonly PlacedRecord[] = []): Promise<Outcome<'GrantConsent'>> {
    const input = { id: consent.id, provider: 'hospital' };
    const shown = actors.map(([provider, id]) => ({ provider, record: evidenceFrom(this.ledger, provider, id) }));
    return this.ledger.submit('GrantConsent', {
      ...patients,
      input,
      private: { consent, patient: this.evidence(this.patientId), directory: 0, actors: shown },
      ...caller,
    });
  }

  /** Grants a consent with this root provision and answers its state. */
  async permit(provision: object, actors: readonly PlacedRecord[] = []): Promise<ConsentState> {
    return (await this.grant(this.consent(provision), {}, actors)).reply;
  }

  /** Has a provider record what is nobody's data, such as a Practitioner. */
  async recordAt(provider: string, content: object, id: string = randomUUID()): Promise<PlacedRecord> {
    const draft = recordDraft({ ...content, id } as Resource);
    await this.ledger.submit('RecordVersions', recording([sheetOf([draft])], provider));
    return [provider, id];
  }

  /** Has the clinic ask for Observations, and answers the request's id. */
  async ask(request: object = {}, caller: object = {}): Promise<string> {
    const id = randomUUID();
    const asked = { holder: 'hospital', patient: identifier, types: ['Observation'], purpose: 'TREAT' as const };
    await this.request({ id, salt: newSalt(), ...asked, ...request }, caller);
    return id;
  }

  request(request: PrivateOf<'RequestAccess'>['request'], caller: object = {}): Promise<Outcome<'RequestAccess'>> {
    const input = { id: request.id };
    return this.ledger.submit('RequestAccess', {
      from: 'clinic',
      role: 'system',
      input,
      private: { request },
      ...caller,
    });
  }

  /** What the custodian shows to have it decided about these records of version 1. */
  shown(id: string, records: string[]): PrivateOf<'EvaluateAccess'> {
    return {
      requestor: 'clinic',
      request: this.text(privateKeys.request(id)),
      state: this.text(privateKeys.access(id, 1)),
      directory: 0,
      consents: [],
      patient: this.evidence(this.patientId),
      records: records.map((record) => this.evidence(record)),
    };
  }

  /** What the custodian's peer says that a decision about these records would be. */
  evaluate(id: string, records: string[], caller: object = {}): Promise<OutputOf<'EvaluateAccess'>> {
    const input = { id, holder: 'hospital' };
    return this.ledger.evaluate('EvaluateAccess', { ...patients, input, private: this.shown(id, records), ...caller });
  }

  /** Has the custodian decide about these records of version 1. */
  decide(id: string, records: string[], change: object = {}, caller: object = {}): Promise<Outcome<'DecideAccess'>> {
    const hidden = { ...this.shown(id, records), salt: 'ab'.repeat(32), ...change };
    const input = { id, holder: 'hospital' };
    return this.ledger.submit('DecideAccess', { ...patients, input, private: hidden, ...caller });
  }

  /** Has the custodian do about a request what it does: what is permitted is delivered, else it is refused and reported. */
  async settle(id: string, records: string[], change: object = {}): Promise<Came> {
    const input = { id, holder: 'hospital' };
    const shown = { ...this.shown(id, records), ...change };
    const {
      outcome,
      reason = '',
      consent,
    } = await this.ledger.evaluate('EvaluateAccess', {
      ...{ ...patients, input, private: shown },
    });
    if (outcome === 'permit') await this.decide(id, records, change);
    else {
      await this.refuse(id);
      await this.report(id, { reason, salt: newSalt(), ...(consent === undefined ? {} : { consent }) });
    }
    return this.came(id);
  }

  /** What came of a request, as its holder holds it. */
  came(id: string): Came {
    const step = JSON.parse(this.ledger.private.get(`care_hospital ${privateKeys.access(id, 2)}`)!) as AccessState;
    const { status, reason, consent, because } = step;
    return { status, reason: because?.reason ?? reason, consent: because?.consent ?? consent };
  }

  refuse(id: string, change: object = {}, caller: object = {}): Promise<Outcome<'RefuseAccess'>> {
    const input = { id, requestor: 'clinic', holder: 'hospital' };
    const hidden = { state: this.text(privateKeys.access(id, 1)), salt: 'ab'.repeat(32), ...change };
    return this.ledger.submit('RefuseAccess', { ...patients, input, private: hidden, ...caller });
  }

  report(
    id: string,
    because?: Because,
    state: string = this.text(privateKeys.access(id, 2)),
  ): Promise<Outcome<'ReportAccess'>> {
    const input = { id, requestor: 'clinic', holder: 'hospital' };
    const hidden = { state, ...(because === undefined ? {} : { because }) };
    return this.ledger.submit('ReportAccess', { ...patients, input, private: hidden });
  }

  /** What lies under a key in the clinic's inbox. */
  text(key: string): string {
    return this.ledger.private.get(`inbox_clinic ${key}`) ?? '';
  }

  /** The newest step of an access, as the requestor and the custodian hold it. */
  accessState(id: string): AccessState {
    const steps = [3, 2, 1].map((step) => this.text(privateKeys.access(id, step)));
    return JSON.parse(steps.find((text) => text !== '') ?? 'null');
  }

  /** Has the custodian mark a record of the hospital's as erased. */
  erase(record: string, change: Partial<Request<'EraseRecord'>> = {}): Promise<Outcome<'EraseRecord'>> {
    const marked = { handle: erasureHandle('hospital', record), begins: beginningOf(record), salt: newSalt() };
    return this.ledger.submit('EraseRecord', {
      ...patients,
      input: { provider: 'hospital' },
      private: marked,
      ...change,
    });
  }

  /** Revokes a consent of version 1. */
  revoke(id: string, change: object = {}): Promise<Outcome<'RevokeConsent'>> {
    const input = { id, provider: 'hospital', version: 1 };
    return this.ledger.submit('RevokeConsent', { ...patients, input, private: { salt: newSalt() }, ...change });
  }
}
