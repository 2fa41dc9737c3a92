/** From where what was damaged was had, in words and numbers. */
import { type Damage, describeSubject, keyPlace, partOf } from '../verification/damage.ts';
import type { Examination } from '../verification/examination.ts';
import { setPlaceText } from '../verification/places.ts';

export interface Taken {
  /** Whose; undefined for what all peers share. */
  organisation: string | undefined;
  what: string;
  from: string;
  count: number;
}

const ORDERER = "the orderer's copy";
const REPLAY = 'a replay of the blocks';
const SET = 'the private data that its members keep with the block';

export function takenOf(
  damages: Damage[],
  examination: Examination,
  organisation: string | undefined,
  isRebuilt: boolean,
): Taken[] {
  const sources = new Map<string, string>();
  for (const { place, keyHash, from } of examination.taken) {
    sources.set(keyPlace(place.namespace, place.collection, keyHash), from);
    sources.set(setPlaceText(place), from);
  }
  const taken = new Map<string, Taken>();
  for (const damage of damages) {
    const isOthers = damage.organisation !== undefined && organisation !== undefined;
    if (damage.isLost || (isOthers && damage.organisation !== organisation)) continue;
    const from = sourceOf(damage, sources);
    const entry = { organisation: damage.organisation, what: describeSubject(damage), from };
    const id = JSON.stringify(entry);
    taken.set(id, { ...entry, count: (taken.get(id)?.count ?? 0) + 1 });
  }
  // A store that is made anew takes more than what was named.
  if (!isRebuilt) return [...taken.values()];
  for (const [from, each] of Map.groupBy(examination.taken, ({ from: source }) => source)) {
    taken.set(from, { organisation: undefined, what: 'a private value', from, count: each.length });
  }
  return [...taken.values()];
}

function sourceOf(damage: Damage, sources: Map<string, string>): string {
  const { subject, fault, place } = damage;
  if (subject === 'block copy') return "the peers' store";
  if (subject === 'store file') return 'the blocks and the private data that could be read';
  if (subject === 'pending private data') return 'nowhere: it was dropped, and its client sends it again';
  if (fault === 'unexpected') return 'nowhere: it was taken out';
  if (subject === 'validation codes' || subject === 'commit hash' || subject === 'block metadata') return REPLAY;
  if (partOf(damage) === 'blocks' && subject.startsWith('block')) return ORDERER;
  if (subject === 'private set') return sources.get(place) ?? SET;
  if (subject === 'private value') return sources.get(place) ?? SET;
  return REPLAY;
}
