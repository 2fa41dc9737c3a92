/**
 * Reads that only complete the answer to a write which is committed already. The write is a success whatever comes of
 * them: a client that receives a failure sends it again, or believes that nothing was written.
 */

/** What is read, or undefined where it is not there or reading fails: then the answer holds what the write itself returned. */
export async function afterCommit<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
