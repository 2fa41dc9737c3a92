/**
 * Signs the ledger's tree, each member at the sizes that somebody has signed first. The custodian goes first when something
 * has come that nobody has signed; while it does not, the others do. Signatures themselves ask for none.
 */
import { KINDS, type Kind } from '@telemed-ledger/consortium/members.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import type { Services } from '../services.ts';

/** How much longer than the custodian the others wait before they go first. */
const PATIENCE = 4;
const RECENT = 50;

/** When something came that nobody has signed, by gateway: milliseconds since 1970. */
const waiting = new WeakMap<object, number>();

/** Roots of its own tree by size, by gateway: what a tree of a size holds never changes, and each block asks for those of all signatures. */
const ROOTS = new WeakMap<object, Map<number, string>>();

async function rootOf(
  { witness, index }: Pick<Services, 'witness' | 'index'>,
  size: number,
): Promise<string | undefined> {
  const known = ROOTS.get(witness) ?? new Map<number, string>();
  ROOTS.set(witness, known);
  const root = known.get(size) ?? (await index.tree.root(size));
  if (root !== undefined) known.set(size, root);
  for (const old of known.keys()) if (known.size > RECENT) known.delete(old);
  return root;
}

/** The size that is to be signed now; undefined where there is none. */
async function due(services: Services): Promise<number | undefined> {
  const { witness, index, organisation, checkpointEveryMs, log } = services;
  if (checkpointEveryMs === 0) return undefined;
  const recent = await index.cosignatures.newest(RECENT);
  const last = witness.signed?.size ?? 0;
  const grown = await index.tree.size();
  for (const { size, msp_id: mspId, root } of recent) {
    if (size < last || size > grown) continue;
    const own = await rootOf(services, size);
    if (own !== root) log.error({ mspId, size }, 'a member has signed another tree than this one');
    else if (!recent.some((one) => one.size === size && one.msp_id === organisation.mspId)) return size;
  }
  const isSent = last === 0 || recent.some(({ size, msp_id }) => size === last && msp_id === organisation.mspId);
  if (!isSent && last <= grown) return last;
  const covered = Math.max(0, ...recent.map(({ size }) => size).filter((size) => size <= grown));
  if (!(await index.cosignatures.isMoreSince(covered))) {
    waiting.delete(witness);
    return undefined;
  }
  const since = waiting.get(witness) ?? Date.now();
  waiting.set(witness, since);
  return Date.now() >= since + patience(organisation.kind, checkpointEveryMs) && grown >= last ? grown : undefined;
}

const patience = (kind: Kind, everyMs: number): number => (kind === 'custodian' ? everyMs : PATIENCE * everyMs);

const cosign = (kind: Kind): Duty<number> => ({
  name: 'sign the tree',
  kind,
  on: 'every block',
  idOf: String,
  async *find(services) {
    const size = await due(services);
    if (size !== undefined) yield size;
  },
  async soonest({ witness, organisation, checkpointEveryMs }) {
    const since = waiting.get(witness);
    return since === undefined ? undefined : since + patience(organisation.kind, checkpointEveryMs);
  },
  async perform(size, { witness, ledger }) {
    await ledger.submit('CosignCheckpoint', await witness.cosign(size), undefined, AS_SYSTEM);
    waiting.delete(witness);
  },
});

export const signTree: readonly Duty<number>[] = KINDS.map(cosign);
