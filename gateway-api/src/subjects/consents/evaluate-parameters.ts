/** The Parameters of `Consent/$evaluate`: who would ask, for what, and of which patient and records. */
import { actorNamed, type Named } from '@telemed-ledger/chaincode/model/actors.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ACT_REASON, PURPOSES } from '@telemed-ledger/chaincode/model/purposes.ts';
import type { PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';

export interface Asked {
  who: PrivateOf<'EvaluateConsents'>['who'];
  /** Id of the Patient, where one is named. */
  patient: string | undefined;
  types: string[];
  records: { type: string; id: string }[];
  /** One that is not given yet. */
  consent: Resource | undefined;
}

interface Parameter {
  name?: string;
  valueReference?: Named;
  valueCode?: string;
  valueString?: string;
  valueCoding?: { system?: string; code?: string };
  resource?: Resource;
}

const NAMES = ['patient', 'requestor', 'practitioner', 'role', 'purpose', 'type', 'record', 'consent'] as const;
type Name = (typeof NAMES)[number];
/** Those of which there may be several. */
const REPEATED: readonly Name[] = ['type', 'record'];
const ROLES = ['system', 'practitioner'] as const;
const MOST_NAMED = 500;

const at = (name: string): string => `Parameters.parameter.where(name='${name}')`;
const invalid = (reason: string, name: string): never => {
  throw new LedgerError('INVALID', reason, at(name));
};

/** @throws {LedgerError} INVALID for what is not understood: an answer to another question would mislead */
export function askedIn(body: Resource | undefined, consortium: Consortium): Asked {
  const parameters = parametersIn(body);
  const all = (name: Name) => parameters.filter((parameter) => parameter.name === name);
  const one = (name: Name): Parameter | undefined => all(name)[0];
  const requestor = requestorIn(one('requestor'), consortium);
  const practitioner = practitionerIn(one('practitioner'), requestor);
  return {
    who: {
      ...{ requestor, purpose: purposeIn(one('purpose')) },
      role: practitioner === undefined ? roleIn(one('role')) : 'practitioner',
      ...(practitioner === undefined ? {} : { practitioner }),
    },
    patient: one('patient') && recordIn(one('patient'), 'patient', 'Patient').id,
    types: all('type').map((parameter) => codeIn(parameter, 'type')),
    records: all('record').map((parameter) => recordIn(parameter, 'record')),
    consent: consentIn(one('consent')),
  };
}

function parametersIn(body: Resource | undefined): Parameter[] {
  if (body?.resourceType !== 'Parameters') throw new LedgerError('INVALID', 'is no Parameters', 'resourceType');
  const parameters = (body['parameter'] ?? []) as Parameter[];
  const counts = new Map<string, number>();
  for (const [index, { name = '' }] of parameters.entries()) {
    if (!(NAMES as readonly string[]).includes(name))
      throw new LedgerError('INVALID', `is none of ${NAMES.join(', ')}`, `Parameters.parameter[${index}].name`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const [name, count] of counts)
    if (count > (REPEATED.includes(name as Name) ? MOST_NAMED : 1)) invalid('is there too often', name);
  return parameters;
}

const codeIn = ({ valueCode, valueString, valueCoding }: Parameter, name: Name): string =>
  valueCode ?? valueString ?? valueCoding?.code ?? invalid('has no valueCode', name);

function requestorIn(parameter: Parameter | undefined, consortium: Consortium): string {
  const named = actorNamed(parameter?.valueReference ?? {}, '');
  const name = named.kind === 'organisation' ? named.name : '';
  return organisationByName(consortium, name)?.name ?? invalid('names no organisation of the consortium', 'requestor');
}

/** A relative reference means the requestor's own. */
function practitionerIn(parameter: Parameter | undefined, requestor: string): string | undefined {
  if (parameter === undefined) return undefined;
  const named = actorNamed(parameter.valueReference ?? {}, requestor);
  return named.kind === 'practitioner' && named.organisation === requestor
    ? named.fhirUser
    : invalid('is no reference to a practitioner of the requestor’s', 'practitioner');
}

/** Without one it is the organisation's system that asks, for nobody in particular. */
function roleIn(parameter: Parameter | undefined): (typeof ROLES)[number] {
  if (parameter === undefined) return 'system';
  const code = codeIn(parameter, 'role');
  return ROLES.find((role) => role === code) ?? invalid(`is none of ${ROLES.join(', ')}`, 'role');
}

function purposeIn(parameter: Parameter | undefined): Asked['who']['purpose'] {
  const code = parameter === undefined ? invalid('is needed', 'purpose') : codeIn(parameter, 'purpose');
  const { system = ACT_REASON } = parameter?.valueCoding ?? {};
  return system === ACT_REASON && PURPOSES.has(code) ? code : invalid(`is no purpose of ${ACT_REASON}`, 'purpose');
}

const RECORD = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/;

function recordIn(parameter: Parameter | undefined, name: Name, wanted?: string): { type: string; id: string } {
  const [, type, id] = RECORD.exec(parameter?.valueReference?.reference ?? '') ?? [];
  if (type === undefined || id === undefined || (wanted !== undefined && type !== wanted))
    return invalid(`is no reference of the form ${wanted ?? 'Type'}/id`, name);
  return { type, id };
}

function consentIn(parameter: Parameter | undefined): Resource | undefined {
  if (parameter === undefined) return undefined;
  return parameter.resource?.resourceType === 'Consent' ? parameter.resource : invalid('is no Consent', 'consent');
}
