/**
 * Coverages as FHIR clients write them, with references into their own systems. A payer has no Patients, and the ledger tells members
 * by their numbers: a person or organisation that is not here is named by the identifier, or the number, that the Coverage states.
 */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Reference } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Change } from './changes.ts';
import { errorIssue, UNPROCESSABLE } from './outcomes.ts';
import type { Targets } from './references.ts';
import { RELATIVE } from './validation/reference-rules.ts';
import type { FoundReference } from './validation/validation.ts';

type Named = Reference & { type?: string };
type Holder = FoundReference['holder'] & Pick<Named, 'identifier' | 'display'>;

const MEMBER_NUMBERS = ['MB', 'SN'];

/** Elements of a Coverage that may name somebody who is not here. */
const NAMES_SOMEBODY = /^(?:beneficiary|subscriber|policyHolder|payor\[\d+\])\.reference$/;

/**
 * Names by identifier what Coverages refer to and is not here; their faults go to the changes. Call it before references are resolved.
 * @param self this organisation, which is the payor where another system's name for it says no more
 */
export async function nameInsured(
  changes: readonly Change[],
  { repository, written }: Pick<Targets, 'repository' | 'written'>,
  self: Reference,
): Promise<void> {
  const coverages = changes.filter(({ type, failure }) => type === 'Coverage' && failure === undefined);
  const named = coverages.flatMap((change) => change.references.filter((found) => namesSomebody(change, found)));
  const relative = named.flatMap(({ holder: { reference } }) =>
    RELATIVE.test(reference) && !written.has(reference) ? [reference] : [],
  );
  if (named.length === 0) return;
  const missing = new Set(relative.length === 0 ? [] : await repository.missing([...new Set(relative)]));
  for (const change of coverages) nameIn(change, missing, self);
}

const namesSomebody = ({ path }: Change, { expression }: FoundReference): boolean =>
  NAMES_SOMEBODY.test(expression.slice(path.length + 1));

function nameIn(change: Change, missing: ReadonlySet<string>, self: Reference): void {
  const { resource } = change;
  const contained = new Map(objectsOf(resource['contained']).map((one) => [`#${String(one['id'])}`, one]));
  const taken = new Set<string>();
  const isSelf = coversSubscriber(resource);
  for (const found of change.references.filter(
    (one) => namesSomebody(change, one) && !change.kept.has(one.holder.reference),
  )) {
    const { holder, expression } = found as { holder: Holder; expression: string };
    const { reference } = holder;
    const inside = contained.get(reference);
    const isBeneficiary = expression.endsWith('beneficiary.reference');
    const isElsewhere = isBeneficiary && holder.identifier === undefined && /^https?:/i.test(reference);
    if (inside === undefined && !missing.has(reference) && !isElsewhere) continue;
    if (inside !== undefined) taken.add(reference);
    const identifier = holder.identifier ?? numberOf(inside) ?? subscriberNumber(expression, resource);
    if (identifier !== undefined) name(holder, { identifier });
    else if (isBeneficiary && isSelf) name(holder, { type: 'Patient' });
    else if (isBeneficiary) change.fail(UNPROCESSABLE, errorIssue('not-found', UNTOLD, expression));
    else if (/payor\[\d+\]\.reference$/.test(expression)) name(holder, self);
    else name(holder, { display: displayOf(holder, inside) });
  }
  change.references = change.references.filter(({ holder }) => holder.reference !== undefined);
  leaveOut(change, taken);
}

const UNTOLD =
  'Whom it insures is not here: name her by identifier (her member number), or state subscriberId and relationship self.';

/** The subscriber is told by the number of the Coverage. */
function subscriberNumber(
  expression: string,
  { subscriberId }: Readonly<Record<string, unknown>>,
): Named['identifier'] {
  const isSubscriber = expression.endsWith('.subscriber.reference');
  return isSubscriber && typeof subscriberId === 'string' ? { value: subscriberId } : undefined;
}

/** The number of the Coverage is the beneficiary's own. */
function coversSubscriber(coverage: Readonly<Record<string, unknown>>): boolean {
  if (typeof coverage['subscriberId'] !== 'string') return false;
  const { coding } = (coverage['relationship'] ?? {}) as { coding?: unknown };
  const relations = objectsOf(coding).map(({ code }) => code);
  if (relations.length > 0) return relations.includes('self');
  const [subscriber, beneficiary] = [coverage['subscriber'], coverage['beneficiary']] as (Reference | undefined)[];
  return subscriber?.reference !== undefined && subscriber.reference === beneficiary?.reference;
}

/** Of a contained resource: the member's number, or else the only identifier that it has. */
function numberOf(resource: Record<string, unknown> | undefined): Named['identifier'] {
  const all = objectsOf(resource?.['identifier']).filter(({ value }) => typeof value === 'string');
  const numbers = all.filter(({ type }) =>
    objectsOf((type as { coding?: unknown } | undefined)?.coding).some(({ code }) =>
      MEMBER_NUMBERS.includes(String(code)),
    ),
  );
  const [one, ...others] = numbers.length > 0 ? numbers : all;
  return others.length === 0 ? one : undefined;
}

function name(holder: Holder, by: Named): void {
  delete (holder as { reference?: string }).reference;
  Object.assign(holder, by);
}

const displayOf = ({ display }: Holder, inside: Record<string, unknown> | undefined): string =>
  display ?? (typeof inside?.['name'] === 'string' ? inside['name'] : 'not told');

/** Contained resources that nothing refers to any more: of a person nothing but her number is needed. */
function leaveOut(change: Change, taken: ReadonlySet<string>): void {
  if (taken.size === 0) return;
  const used = new Set(change.references.map(({ holder }) => holder.reference));
  const left = objectsOf(change.resource['contained']).filter((one) => {
    const reference = `#${String(one['id'])}`;
    return !taken.has(reference) || used.has(reference);
  });
  if (left.length > 0) change.resource['contained'] = left;
  else delete change.resource['contained'];
}
