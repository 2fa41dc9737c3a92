/** Other members that treat patients: of whom records are asked for, and to whom one refers. */
import { ask } from '../api.ts';

interface Member {
  name: string;
  kind: string;
  self: boolean;
}

/** Their names. @throws {Problem} */
export const otherProviders = async (signal: AbortSignal): Promise<string[]> =>
  (await ask<{ members: Member[] }>({ path: '/members', signal })).body.members.flatMap(({ name, kind, self }) =>
    kind === 'provider' && !self ? [name] : [],
  );
