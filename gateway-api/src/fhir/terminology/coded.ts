/** The code that an operation on codes is asked for: `code` and `system`, or a `coding`. */
import { type Asked, single } from '../asked.ts';
import { refuse } from '../outcomes.ts';

export interface Coded {
  system: string | undefined;
  code: string;
}

/** @throws {Refusal} 400 where none is given */
export function codedIn({ parameters }: Asked): Coded {
  const coding = single(parameters, 'coding') ?? single(parameters, 'codeableConcept');
  if (coding !== undefined) {
    const [system = '', code = ''] = coding.split(/\|(.*)/s);
    return { system: system === '' ? undefined : system, code };
  }
  const code = single(parameters, 'code');
  if (code === undefined) return refuse(400, 'required', 'A code is required.', 'code');
  return { system: single(parameters, 'system'), code };
}

/** An answer's parameter, left out where there is nothing to say. */
export const said = (name: string, type: string, value: unknown): object[] =>
  value === undefined ? [] : [{ name, [`value${type}`]: value }];
