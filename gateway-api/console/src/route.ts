/** Where one is: the part of the address after `#/`. Names of pages alone stand there, nothing of a person. */
import { Value } from './value.ts';

const here = (): string => /^#\/([a-z/-]*)$/.exec(location.hash)?.[1] ?? '';

export const route = new Value(here());
// A link to a place within a page, such as the one that skips the menu, leads to no other page.
addEventListener('hashchange', () => {
  if (location.hash === '' || location.hash.startsWith('#/')) route.set(here());
});

/** The address of a page, for links. */
export const hrefOf = (page: string): string => `#/${page}`;

export function goTo(page: string): void {
  location.hash = hrefOf(page);
}
