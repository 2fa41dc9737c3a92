/** What stands in the place of what is not there yet, or where there is nothing; and what leads on. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../language.ts';
import { Failure } from './failure.tsx';
import type { Loaded, Paged } from './loading.ts';

/** Shows what was loaded, that it is being loaded, or why it was not. */
export function WhenLoaded<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  const { t } = useWords();
  const { data, problem, again } = of;
  return (
    <>
      {problem === undefined ? null : <Failure problem={problem} again={again} />}
      {data === undefined
        ? problem === undefined && (
            <p class="waiting" role="status">
              {t('loading')}
            </p>
          )
        : children(data)}
    </>
  );
}

export function More<T>({ of }: { of: Paged<T> }) {
  const { t } = useWords();
  if (!of.isMore) return null;
  return (
    <p class="actions">
      <button type="button" onClick={of.more} disabled={of.isLoading}>
        {t(of.isLoading ? 'loading' : 'more')}
      </button>
    </p>
  );
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;
