/** `Patient/<id>/$health-link`: makes a SMART Health Link to her summary as it is now. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { NO_PROFILES } from '../../fhir/profiles/profiles.ts';
import { summary } from '../../fhir/summary.ts';
import { aboutOf } from '../reads/read-log.ts';
import { Records } from '../records/records.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';

interface Parameter {
  name?: string;
  valueString?: string;
  valueInstant?: string;
  valueDateTime?: string;
}

interface Asked {
  passcode?: string;
  /** ISO 8601 UTC. */
  expiresAt?: string;
  label?: string;
}

const NAMES = ['passcode', 'exp', 'label'];
const PASSCODE = /^[^\p{Cc}]{4,64}$/u;
/** The specification's bound. */
const LABEL = /^[^\p{Cc}]{1,80}$/u;
const at = (name: string): string => `Parameters.parameter.where(name='${name}')`;

/** @throws {LedgerError} INVALID for a wish that would not be kept */
function askedIn(body: Resource | undefined): Asked {
  if (body === undefined) return {};
  if (body.resourceType !== 'Parameters') throw new LedgerError('INVALID', 'is no Parameters', 'resourceType');
  const parameters = (body['parameter'] ?? []) as Parameter[];
  const asked: Asked = {};
  for (const [index, { name = '', valueString = '', valueInstant, valueDateTime }] of parameters.entries()) {
    if (!NAMES.includes(name) || parameters.filter((one) => one.name === name).length > 1)
      throw new LedgerError(
        'INVALID',
        `is none of ${NAMES.join(', ')}, or there twice`,
        `Parameters.parameter[${index}].name`,
      );
    if (name === 'exp') asked.expiresAt = expiryIn(valueInstant ?? valueDateTime);
    else if (!(name === 'label' ? LABEL : PASSCODE).test(valueString))
      throw new LedgerError(
        'INVALID',
        name === 'label' ? 'has 1 to 80 characters' : 'has 4 to 64 characters',
        at(name),
      );
    else asked[name as 'label' | 'passcode'] = valueString;
  }
  return asked;
}

function expiryIn(text = ''): string {
  const time = Date.parse(text);
  if (Number.isNaN(time) || time <= Date.now()) throw new LedgerError('INVALID', 'is an instant to come', at('exp'));
  return new Date(time).toISOString();
}

export const makeHealthLink: SubjectOperation = {
  ...{ kind: 'custodian', type: 'Patient', name: 'health-link', level: 'instance', isQuestion: true },
  summary: 'A SMART Health Link to a patient’s summary, encrypted, to be handed on: docs/export.md.',
  definition: definitionOf('health-link'),
  async handle({ caller, body, id = '', baseUrl }, services) {
    const asked = askedIn(body);
    const { organisation, idempotent, reads, healthLinks } = services;
    const isHers = caller.role === 'patient' || caller.role === 'system';
    if (!isHers) throw new LedgerError('FORBIDDEN', 'a link is made by the patient herself, or her custodian’s system');
    const own = compartmentOf(caller);
    if (own !== undefined && own !== id) throw new LedgerError('NOT_FOUND', 'there is no such patient');
    const repository = new Records(services, {});
    const scope = {
      repository,
      idempotent,
      reads,
      organisation,
      clientIds: 'none' as const,
      profiles: NO_PROFILES,
      caller,
      baseUrl,
    };
    const { resource = {} } = await summary(scope, id, [], false);
    const { origin } = new URL(baseUrl);
    await services.readLog.note(caller, {
      interaction: 'share',
      type: 'Bundle',
      about: aboutOf('shown', [{ patient: id, id }]),
    });
    const made = await healthLinks.make({ patient: id, content: resource, ...asked }, origin);
    return {
      status: 201,
      headers: { Location: `${origin}/health-links/${made.id}`, 'Cache-Control': 'no-store' },
      resource: {
        resourceType: 'Parameters',
        parameter: [
          { name: 'link', valueUri: made.uri },
          { name: 'id', valueString: made.id },
          ...(asked.expiresAt === undefined ? [] : [{ name: 'exp', valueInstant: asked.expiresAt }]),
        ],
      },
    };
  },
};
