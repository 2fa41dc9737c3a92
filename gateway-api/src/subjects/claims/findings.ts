/** Claim/<id>/$findings: what the edits and signals said of a claim, by step, for its provider and its payer. */
import type { ClaimRecord, ClaimResponseRecord, Finding } from '@telemed-ledger/chaincode/model/claims.ts';
import { FACTS_OF_CLAIMS } from '@telemed-ledger/chaincode/model/finding-facts.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { billedOf, claimState } from './claims.ts';
import { mayBeShown } from './evidence-shown.ts';
import { noteClaimRead } from './noting.ts';

/** What was said by a step of a claim. */
interface Said {
  step: number;
  findings: readonly Finding[];
}

async function saidOf(
  services: Services,
  { id, step: last }: ClaimState,
  claim: Pick<ClaimRecord, 'edits'>,
): Promise<Said[]> {
  const { index, organisation } = services;
  const own = collections.billing(organisation.name);
  const said: Said[] = [{ step: 1, findings: claim.edits }];
  for (let step = 2; step <= last; step += 1) {
    const text = await index.evidence.text(own, privateKeys.response(id, step));
    if (text !== undefined) said.push({ step, findings: (JSON.parse(text) as ClaimResponseRecord).edits });
  }
  return said;
}

const valued = (value: unknown): object =>
  typeof value === 'boolean'
    ? { valueBoolean: value }
    : typeof value === 'number' && Number.isInteger(value)
      ? { valueInteger: value }
      : { valueString: typeof value === 'string' ? value : JSON.stringify(value) };

type Shown = Finding & { isWithheld: boolean };

/** As much of a finding as may be shown: what it tells of the patient's records only to whom these may be. */
function shownOf(finding: Finding, isShown: boolean): Shown {
  const facts = Object.entries(finding.facts ?? {}).filter(([name]) => isShown || FACTS_OF_CLAIMS.includes(name));
  const isWithheld = facts.length < Object.keys(finding.facts ?? {}).length;
  return { ...finding, facts: Object.fromEntries(facts), isWithheld };
}

const findingOf = (step: number, { edit, version, outcome, facts = {}, weight, isWithheld }: Shown): object => ({
  name: 'finding',
  part: [
    { name: 'step', valueInteger: step },
    { name: 'edit', valueCode: edit },
    { name: 'version', valueString: version },
    { name: 'outcome', valueCode: outcome },
    ...(weight === undefined ? [] : [{ name: 'weight', valueInteger: weight }]),
    ...(Object.keys(facts).length === 0
      ? []
      : [{ name: 'facts', part: Object.entries(facts).map(([name, value]) => ({ name, ...valued(value) })) }]),
    ...(isWithheld ? [{ name: 'withheld', valueBoolean: true }] : []),
  ],
});

/** That the records are gone which it was said of. */
const purgedOf = ({ at }: NonNullable<ClaimRecord['purged']>): object => ({
  name: 'evidence',
  part: [
    { name: 'status', valueCode: 'purged' },
    { name: 'at', valueInstant: at },
  ],
});

const findingsAt = (kind: Kind): SubjectOperation => ({
  ...{ kind, name: 'findings', type: 'Claim', level: 'instance', isQuestion: true, takesNothing: true },
  summary:
    'What each edit and signal said of a claim, by step, with versions and facts: for its provider and its payer.',
  definition: definitionOf('Claim-findings'),
  async handle({ caller, id = '' }, services) {
    compartmentOf(caller);
    const { index, organisation } = services;
    const state = await claimState(index, id);
    const text = await billedOf(index, collections.billing(organisation.name), state);
    const claim = JSON.parse(text) as ClaimRecord;
    await noteClaimRead(caller, id, services);
    const said = await saidOf(services, state, claim);
    const isShown = await mayBeShown(caller, state, text, services);
    const parameter = [
      ...(claim.purged === undefined ? [] : [purgedOf(claim.purged)]),
      ...said.flatMap(({ step, findings }) => findings.map((finding) => findingOf(step, shownOf(finding, isShown)))),
    ];
    return { status: 200, resource: { resourceType: 'Parameters', parameter } };
  },
});

export const claimFindings: readonly SubjectOperation[] = [findingsAt('provider'), findingsAt('payer')];
