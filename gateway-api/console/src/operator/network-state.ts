/** The network as GET /network has it, and what to do about what is not as it should be. */
import type { StaffKey } from '../messages/staff/en.ts';

export interface Member {
  name: string;
  kind: string;
  mspId: string;
  /** Blocks of its peer; absent where it does not answer. */
  height?: number;
  behind?: number;
}

interface Figure {
  /** As in /metrics. */
  name: string;
  value: number;
  labels: Record<string, string>;
}

export interface NetworkState {
  organisation: string;
  channel: string;
  block: number;
  members: Member[];
  orderers: { mspId: string; nodes?: number }[];
  certificates: { of: string; until: string; daysLeft: number }[];
  figures: Figure[];
}

export type Standing = 'well' | 'behind' | 'away';

/** Blocks that a peer may be behind the highest while both go on. */
const USUAL_LAG = 5;

export const standingOf = ({ height, behind = 0 }: Member): Standing =>
  height === undefined ? 'away' : behind > USUAL_LAG ? 'behind' : 'well';

/** From so many days on a certificate is to be renewed. */
const SOON_DAYS = 30;

export const certificateTag = (daysLeft: number): string =>
  daysLeft < 0 ? 'tag bad' : daysLeft < SOON_DAYS ? 'tag warn' : 'tag good';

/** Figures that say by being above zero that something is to be done, and the message of what. */
const REMEDIES: Readonly<Record<string, StaffKey>> = {
  gateway_integrity_failures_total: 'remedy-integrity_failures',
  gateway_rewrites_total: 'remedy-rewrites',
  gateway_disagreements_total: 'remedy-disagreements',
  gateway_invalid_resources_total: 'remedy-invalid_resources',
  gateway_broken_items_total: 'remedy-broken_items',
  gateway_duty_items_failing: 'remedy-duties',
  gateway_values_missing: 'remedy-values',
  gateway_refusals_total: 'remedy-refusals',
  gateway_verification_differences: 'remedy-differences',
};

interface Alarm {
  name: string;
  value: number;
  labels: string;
  remedy: StaffKey;
}

export function alarmsIn({ figures }: Pick<NetworkState, 'figures'>): Alarm[] {
  return figures.flatMap(({ name, value, labels }) => {
    const remedy = REMEDIES[name];
    return remedy === undefined || value <= 0 ? [] : [{ name, value, labels: Object.values(labels).join(' '), remedy }];
  });
}

/** Of the figures those that show what waits: not what was counted, and no time. */
export const queuesIn = ({ figures }: Pick<NetworkState, 'figures'>): Figure[] =>
  figures.filter(({ name }) => !/_total$|_seconds$|_differences$|_block$/.test(name));
