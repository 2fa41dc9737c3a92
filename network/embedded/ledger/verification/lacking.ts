/**
 * Private values that a block anchors and no copy holds. A purge that follows explains it; what is left in the end is
 * lost: to the stored set it was in, and to private state unless it was written again.
 */

import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { listedHolders, type SetPlace } from '../private/stored-sets.ts';
import { hashKey, privateKey } from '../state/keys.ts';
import type { Reader } from '../state/store.ts';
import { type Damage, keyPlace } from './damage.ts';
import { setPlaceText } from './places.ts';
import type { PrivateCopies } from './private-sets.ts';

export interface LackingValue {
  place: SetPlace;
  keyHash: Buffer;
  /** Organisations whose peers should hold it. */
  holders: string[];
  /** The stored set holds something else than the block names. */
  isWrong: boolean;
  /** Written again or deleted since, or of an invalid transaction: it is in no state. */
  isSuperseded: boolean;
}

type ValuePlace = Pick<SetPlace, 'namespace' | 'collection'> & { keyHash: Buffer };

export class Lacking {
  readonly #byValue = new Map<string, LackingValue[]>();

  add(value: LackingValue): void {
    const id = valueIdOf({ ...value.place, keyHash: value.keyHash });
    this.#byValue.set(id, [...(this.#byValue.get(id) ?? []), value]);
  }

  /** A valid transaction wrote, deleted or purged the key, after all that was added before. */
  written({ namespace, collection }: SetPlace, keyHash: Buffer, isPurge: boolean): void {
    const id = valueIdOf({ namespace, collection, keyHash });
    if (isPurge) this.#byValue.delete(id);
    for (const value of this.#byValue.get(id) ?? []) value.isSuperseded = true;
  }

  values(): LackingValue[] {
    return [...this.#byValue.values()].flat();
  }

  /** Ids of sets, of values that should be in state, and of index entries of which something is lost. */
  ids(): Set<string> {
    return new Set(
      this.values().flatMap(({ place, keyHash, isSuperseded }) => [
        setIdOf(place),
        indexIdOf({ ...place, keyHash }),
        ...(isSuperseded ? [] : [valueIdOf({ ...place, keyHash })]),
      ]),
    );
  }
}

export const valueIdOf = ({ namespace, collection, keyHash }: ValuePlace): string =>
  `value\0${namespace}\0${collection}\0${mapKey(keyHash)}`;
/** Of the index by which purges find a key: entries of what is lost may be there or not. */
export const indexIdOf = (place: ValuePlace): string => `index\0${valueIdOf(place)}`;
export const setIdOf = (set: SetPlace): string => `set\0${setPlaceText(set)}`;

/** What is lost, for each organisation whose peer should hold it. */
export async function lostDamages(
  lacking: Lacking,
  store: Reader,
  expected: Reader,
  copies: PrivateCopies,
): Promise<Damage[]> {
  const damages = new Map<string, Damage>();
  const add = (damage: Damage): void =>
    void damages.set(`${damage.organisation} ${damage.subject} ${damage.place}`, { ...damage, isLost: true });
  for (const { place, keyHash, holders, isWrong, isSuperseded } of lacking.values()) {
    const { namespace, collection } = place;
    const isCurrent = !isSuperseded && expected.get(hashKey(namespace, collection, keyHash)) !== undefined;
    const key = isCurrent ? await copies.keyOf(place, keyHash) : undefined;
    for (const organisation of holders) {
      const set = { organisation, subject: 'private set', place: setPlaceText(place) } as const;
      add({ ...set, fault: isWrong ? 'altered' : 'missing' });
      if (!isCurrent) continue;
      const held = key && store.get(privateKey(organisation, namespace, collection, key));
      const value = {
        organisation,
        subject: 'private value',
        place: keyPlace(namespace, collection, keyHash),
      } as const;
      add({ ...value, fault: held ? 'altered' : 'missing' });
    }
  }
  return [...damages.values()];
}

/** Whose peers a set is stored for; nobody's in particular where no list says. */
export function holdersOf(set: SetPlace, ...readers: Reader[]): (string | undefined)[] {
  for (const reader of readers) {
    const holders = listedHolders(reader, set);
    if (holders) return holders;
  }
  return [undefined];
}
