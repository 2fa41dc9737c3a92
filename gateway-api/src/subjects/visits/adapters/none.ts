/** Links that lead nowhere, for tests and demonstrations: they say what an adapter is given. */
import type { OpenAdapter } from '../join-links.ts';

/** @public It is loaded by the name of its file. */
export const open: OpenAdapter =
  () =>
  async ({ room, participant, isModerator, until }) => {
    const role = isModerator ? 'practitioner' : 'patient';
    return `https://video.invalid/${room}?participant=${participant}&role=${role}&until=${until}`;
  };
