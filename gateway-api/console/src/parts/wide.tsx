/** What may be wider than its window: it is moved by keys as well as by hand. */
import type { ComponentChildren } from 'preact';

export const Wide = ({ label, children }: { label: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus no key moves it
  <section class="wide" tabIndex={0} aria-label={label}>
    {children}
  </section>
);
