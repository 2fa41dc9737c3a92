/** Series of keys that end in a number, from 1 on without a gap. */

/**
 * The number of the newest, 0 where there is none: sought in steps that double and then halve, so that a long series takes few
 * questions. @param isWritten whether there is one of a number @param known one that was there once, to begin at if it is still
 */
export async function newestNumber(isWritten: (number: number) => Promise<boolean>, known = 0): Promise<number> {
  let [first, step] = [known > 0 && (await isWritten(known)) ? known : 0, 1];
  while (await isWritten(first + step)) {
    first += step;
    step *= 2;
  }
  for (; step >= 1; step = Math.floor(step / 2)) if (await isWritten(first + step)) first += step;
  return first;
}
