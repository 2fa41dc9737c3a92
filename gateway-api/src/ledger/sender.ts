/** What every transaction of a caller needs: in whose name it is sent, and the salts of its values. */
import { randomBytes } from 'node:crypto';
import type { Caller } from '../auth/caller.ts';
import type { Sender } from './client.ts';

/** 32 random bytes as hex. */
export const newSalt = (): string => randomBytes(32).toString('hex');

/** The organisation itself. */
export const SYSTEM: Sender = { role: 'system' };

/** A caller as the sender of a transaction. */
export const senderOf = ({ role, fhirUser }: Caller): Sender =>
  fhirUser === undefined ? { role } : { role, fhirUser };
