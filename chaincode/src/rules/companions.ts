/**
 * Which companions go with the records that may be shown: those that such a record refers to, or another companion that goes.
 * They are about no patient, so no consent is asked about them; but for one that is labelled as confidential or sensitive, and
 * one that a consent names: that needs what a record needs.
 */
import { isCompanion, isMeant, targetsIn } from '../model/companions.ts';
import { isLevel } from '../model/consent-codes.ts';
import type { Resource } from '../model/fhir.ts';
import { type RecordFacts, relative } from '../model/record-facts.ts';
import { rankOf } from '../model/security-labels.ts';
import type { Provision } from './consent-content.ts';
import type { LedgerConsent } from './consents.ts';

const NORMAL = rankOf('N');

/** Whether a companion needs a permission of its own. */
export const isApart = ({ labels, reference }: RecordFacts, consents: readonly LedgerConsent[]): boolean =>
  labels.some((label) => !isLevel(label) || rankOf(label.code ?? '') > NORMAL) ||
  consents.some(({ resource }) => names(resource.provision, reference));

function names(provision: Provision | undefined, record: string): boolean {
  if (provision === undefined) return false;
  const { data = [], provision: nested = [] } = provision;
  return (
    data.some(({ reference }) => relative(reference?.reference ?? '').endsWith(record)) ||
    nested.some((inner) => names(inner, record))
  );
}

/**
 * Positions of the companions that go, ascending.
 * @param referring what is shown
 * @param holder name of the provider whose records all of them are
 */
export function comingAlong(
  referring: readonly Resource[],
  companions: readonly Resource[],
  holder: string,
  isAllowed: (position: number) => boolean,
): number[] {
  const candidates = companions.map((resource, position) => isCompanion(resource) && isAllowed(position));
  const found = new Set<number>();
  for (let open = [...referring]; open.length > 0; ) {
    const targets = open.flatMap((resource) => targetsIn(resource, holder));
    const meant = companions.flatMap((resource, position) => {
      const isNew = candidates[position] === true && !found.has(position);
      return isNew && targets.some((target) => isMeant(resource, target)) ? [position] : [];
    });
    for (const position of meant) found.add(position);
    open = meant.map((position) => companions[position]!);
  }
  return [...found].sort((one, other) => one - other);
}
