/** Links that lead nowhere, for tests and demonstrations: they say what an adapter is given. */
import type { OpenAdapter } from '../join-links.ts';

export const open: OpenAdapter =
  () =>
  async ({ room, participant, isModerator, until }) => {
    const role = isModerator ? 'practitioner' : 'patient';
    return `https://video.invalid/${room}?participant=${participant}&role=${role}&until=${until}`;
  };
