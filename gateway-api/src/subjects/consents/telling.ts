/** What consents and decisions about records are told as: issues of an OperationOutcome, parts of Parameters. */

import { actorNamed, type Named } from '@telemed-ledger/chaincode/model/actors.ts';
import type { Foreseen } from '@telemed-ledger/chaincode/model/decision-shape.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Anchored, ConsentVersion } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { hasEnded } from './ends.ts';
import type { Provision } from './word-parts.ts';
import { type Statement, statementsOf } from './words.ts';

/** What a consent that was written says; undefined for what is none. */
export async function toldOf(
  { index, consortium }: { index: ReadModel; consortium: Consortium },
  resource: Resource,
): Promise<Issue[] | undefined> {
  if (resource.resourceType !== 'Consent') return undefined;
  const row = await index.newestRow('Consent', resource.id);
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  const provider = providers.find((name) => collections.care(name) === row?.collection);
  return provider === undefined ? undefined : issuesTelling(index, resource, provider);
}

/** What a consent says, as its patient is answered when she gives or changes it. */
export async function issuesTelling(index: ReadModel, consent: Resource, provider: string): Promise<Issue[]> {
  const statements = await statementsIn(index, consent, provider);
  return statements.map(({ text, expression }) => ({
    ...{ severity: 'information', code: 'informational', diagnostics: text, expression: [expression] },
  }));
}

/** The same of those in force and of one that is being considered, as parameters. @param consents versions, or a draft */
export async function statementsTold(
  index: ReadModel,
  provider: string,
  consents: readonly (ConsentVersion | Resource)[],
): Promise<object[]> {
  const told: object[] = [];
  for (const one of consents) {
    const consent = 'resourceType' in one ? one : await inForce(index, provider, one);
    if (consent === undefined) continue;
    const named = 'resourceType' in one ? undefined : `Consent/${one.id}/_history/${one.version}`;
    const statements = await statementsIn(index, consent, provider);
    told.push(...statements.map((statement) => statementPart(statement, named)));
  }
  return told;
}

async function inForce(index: ReadModel, provider: string, version: ConsentVersion): Promise<Resource | undefined> {
  if (await hasEnded(index, provider, version)) return undefined;
  const text = await index.evidence.text(collections.care(provider), privateKeys.consent(version.id, version.version));
  return text === undefined ? undefined : (parseExact(text) as Anchored).resource;
}

function statementPart({ effect, expression, text }: Statement, named: string | undefined): object {
  const part = [
    ...(named === undefined
      ? [{ name: 'considered', valueBoolean: true }]
      : [{ name: 'consent', valueReference: { reference: named } }]),
    { name: 'effect', valueCode: effect },
    { name: 'provision', valueString: expression },
    { name: 'text', valueString: text },
  ];
  return { name: 'statement', part };
}

async function statementsIn(index: ReadModel, consent: Resource, provider: string): Promise<Statement[]> {
  const names = new Map<string, string>();
  for (const reference of referencesIn(consent['provision'] as Provision | undefined)) {
    const named = actorNamed(reference, provider);
    if (named.kind !== 'practitioner') continue;
    const called = await calledAt(index, named.fhirUser);
    if (called !== undefined) names.set(named.fhirUser, called);
  }
  return statementsOf(consent, { provider, names });
}

const referencesIn = ({ actor = [], provision = [] }: Provision = {}): Named[] => [
  ...actor.flatMap(({ reference }) => reference ?? []),
  ...provision.flatMap(referencesIn),
];

interface HumanName {
  text?: string;
  family?: string;
  given?: string[];
}

/** As the directory has him. */
async function calledAt(index: ReadModel, fhirUser: string): Promise<string | undefined> {
  const [type = '', id = ''] = fhirUser.split('/');
  const found = await index.newest(type, id);
  const [name] = (found?.resource['name'] ?? []) as HumanName[];
  const parts = [...(name?.given ?? []), name?.family].filter((part) => part !== undefined);
  return name?.text ?? (parts.length === 0 ? undefined : parts.join(' '));
}

const REASONS: Readonly<Record<Foreseen['reason'], string>> = {
  'consent-permits': 'It would be shown: a consent permits it.',
  'consent-denied': 'It would not be shown: a consent denies it.',
  'consent-expired': 'It would not be shown: the consent that permitted it is over.',
  'consent-absent': 'It would not be shown: no consent permits it.',
  emergency:
    'It would be shown in an emergency, for a day, to a licensed practitioner who writes down why; a regulator reviews it.',
  'purpose-not-allowed': 'It would not be shown: an organisation of this kind may not ask for this purpose.',
};

/** Why a record would be shown or not, in a sentence or two. */
export const reasonWords = ({ reason, until }: Pick<Foreseen, 'reason' | 'until'>): string => {
  const told = REASONS[reason];
  if (reason !== 'consent-permits') return told;
  return `${told} ${until === undefined ? '' : `That ends at ${until}. `}A copy stays for 30 days at most, and goes when the consent does.`;
};
