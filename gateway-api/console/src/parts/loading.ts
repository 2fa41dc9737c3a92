/** What a page asks for when it is shown: once, or page by page. What comes after the page is gone is left. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Found, search } from '../api.ts';
import { language } from '../language.ts';
import { Problem } from '../problem.ts';

export interface Loaded<T> {
  data: T | undefined;
  problem: Problem | undefined;
  again(): void;
}

const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem('broken', (error as Error).message);

/** @param load the same function as long as it is to ask the same */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ data?: T; problem?: Problem }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    load(leaving.signal).then(
      (data) => leaving.signal.aborted || setState({ data }),
      (error) => leaving.signal.aborted || setState({ problem: asProblem(error) }),
    );
    return () => leaving.abort();
  }, [load, turn]);
  const again = useCallback(() => setTurn((one) => one + 1), []);
  return { data: state.data, problem: state.problem, again };
}

export interface Paged<T> extends Loaded<readonly T[]> {
  isMore: boolean;
  isLoading: boolean;
  more(): void;
  /** Begins anew: something was changed. */
  afresh(): void;
}

/** A search, page by page, in the language of the moment. @param path after FHIR's base */
export function usePaged<T>(path: string): Paged<T> {
  const [pages, setPages] = useState<readonly Found<T>[]>([]);
  const [isLoading, setLoading] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>();
  const spoken = language();
  const load = useCallback((place: string, before: readonly Found<T>[], signal?: AbortSignal): void => {
    setLoading(true);
    setProblem(undefined);
    search<T>(place, signal).then(
      (page) => {
        if (signal?.aborted === true) return;
        setPages([...before, page]);
        setLoading(false);
      },
      (error) => {
        if (signal?.aborted === true) return;
        setProblem(asProblem(error));
        setLoading(false);
      },
    );
  }, []);
  useEffect(() => {
    const leaving = new AbortController();
    load(path, [], leaving.signal);
    return () => leaving.abort();
  }, [path, spoken, load]);
  const next = pages.at(-1)?.next;
  return {
    data: pages.length === 0 ? undefined : pages.flatMap(({ found }) => found),
    ...{ problem, isLoading, isMore: next !== undefined },
    more: () => (next === undefined ? undefined : load(next, pages)),
    afresh: () => load(path, []),
    again: () => load(pages.length === 0 ? path : (next ?? path), next === undefined ? [] : pages),
  };
}
