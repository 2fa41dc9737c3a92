/** Lists of routes beside FHIR, page by page: each answer names the next one, and the way back is remembered. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { type Loaded, useLoaded } from './loading.ts';

/** What such a list answers beside its rows. */
interface Page {
  /** Path of the next page. */
  next?: string;
}

export interface Cursor<T> extends Loaded<T> {
  isFirst: boolean;
  back(): void;
  forth(next: string): void;
}

/** @param path of the first page; another one begins anew */
export function useCursor<T extends Page>(path: string): Cursor<T> {
  const [places, setPlaces] = useState<readonly string[]>([]);
  useEffect(() => setPlaces([]), [path]);
  const place = places.at(-1) ?? path;
  const load = useCallback(
    async (signal: AbortSignal): Promise<T> => (await ask<T>({ path: place, signal })).body,
    [place],
  );
  return {
    ...useLoaded(load),
    isFirst: places.length === 0,
    back: () => setPlaces(places.slice(0, -1)),
    forth: (next) => setPlaces([...places, next]),
  };
}

export function Turn<T extends Page>({ of }: { of: Cursor<T> }) {
  const { t } = useWords();
  const next = of.data?.next;
  if (of.isFirst && next === undefined) return null;
  return (
    <p class="actions">
      {of.isFirst ? null : (
        <button type="button" onClick={of.back}>
          {t('back')}
        </button>
      )}
      {next === undefined ? null : (
        <button type="button" onClick={() => of.forth(next)}>
          {t('next')}
        </button>
      )}
    </p>
  );
}
