/**
 * Reads that only complete the answer to a write which is committed already. The write is a success whatever comes of
 * them: a client that is told otherwise sends it again, or believes that nothing was written.
 */

/** What is read, or undefined where it is not there or reading fails: then the answer says what the write itself told. */
export async function afterCommit<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
