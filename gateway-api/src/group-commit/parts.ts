/** How a group is put together, and how it is taken apart when the ledger did not take it. */

interface WithItems<Item> {
  items: readonly Item[];
}

/** All items of a group, in the order of its members: the places that a refusal counts. */
export const itemsOf = <Item>(group: readonly WithItems<Item>[]): Item[] => group.flatMap(({ items }) => items);

/**
 * The groups to send instead of one of several members. The member that holds the item at fault goes alone, the others
 * together. Where none is named, or it is not the first time, they go in two halves, so that a group with many faults is
 * taken apart in few rounds. Members stay whole.
 */
export function partsOf<M extends WithItems<unknown>>(
  group: readonly M[],
  itemAtFault: number | undefined,
  isFirst: boolean,
): M[][] {
  const culprit = itemAtFault === undefined ? undefined : memberOf(group, itemAtFault);
  const rest = group.filter((member) => member !== culprit);
  const half = isFirst && culprit !== undefined ? rest.length : Math.ceil(rest.length / 2);
  const parts = [culprit === undefined ? [] : [culprit], rest.slice(0, half), rest.slice(half)];
  return parts.filter((part) => part.length > 0);
}

function memberOf<M extends WithItems<unknown>>(group: readonly M[], item: number): M | undefined {
  let before = 0;
  for (const member of group) {
    before += member.items.length;
    if (item < before) return member;
  }
  return undefined;
}
