/** Waiting for several things of which each may fail. */

/**
 * The results of all. Unlike Promise.all it ends only when everything has, so that nothing goes on behind a failure.
 * @throws the failure, where there is one only; Error with every message, each once, where there are several.
 */
export async function together<T extends readonly unknown[]>(
  actions: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes = await Promise.allSettled(actions);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  const messages = [...new Set(failures.map(({ message }) => message))];
  if (messages.length > 1) throw new AggregateError(failures, messages.join('\n'));
  if (failures.length > 0) throw failures[0];
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as never;
}
