/** In which order the entries of one Bundle can be sent when it must be cut: what is referred to goes first. */
import type { Entry } from './bundle.ts';
import { linksIn } from './links.ts';

/**
 * Groups of entry indexes, what is referred to before what refers to it; entries that refer to each other in a
 * circle are one group. (Tarjan's strongly connected components, which are found in this order; without recursion,
 * because a chain of references may be as long as the Bundle.)
 */
export function referenceOrder(entries: readonly Entry[]): number[][] {
  const targets = targetsOf(entries);
  const place = new Map<number, number>();
  const lowest: number[] = [];
  const pending: number[] = [];
  const grouped = new Set<number>();
  const groups: number[][] = [];
  const enter = (index: number) => {
    lowest[index] = place.size;
    place.set(index, place.size);
    pending.push(index);
    return { index, next: 0 };
  };
  const lower = (index: number, other: number) => {
    if (!grouped.has(other)) lowest[index] = Math.min(lowest[index] ?? 0, lowest[other] ?? 0);
  };
  const leave = (index: number) => {
    if (lowest[index] !== place.get(index)) return;
    const group = pending.splice(pending.lastIndexOf(index));
    for (const one of group) grouped.add(one);
    groups.push(group.sort((a, b) => a - b));
  };
  for (const root of entries.keys()) {
    const path = place.has(root) ? [] : [enter(root)];
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const target = targets[step.index]?.[step.next];
      if (target === undefined) {
        leave(step.index);
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) lower(parent.index, step.index);
      } else {
        step.next += 1;
        if (place.has(target)) lower(step.index, target);
        else path.push(enter(target));
      }
    }
  }
  return groups;
}

/** For each entry the indexes of the entries it links to by their fullUrl. */
function targetsOf(entries: readonly Entry[]): number[][] {
  const byUrl = new Map<string, number>();
  entries.forEach(({ fullUrl }, index) => {
    if (fullUrl !== undefined) byUrl.set(fullUrl, index);
  });
  return entries.map(({ resource }) => {
    const found = linksIn(resource).map((link) => byUrl.get(link));
    return [...new Set(found.filter((index) => index !== undefined))];
  });
}
