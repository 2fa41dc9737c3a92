/** What the authorization server remembers while this process lives: codes, grants, sessions, and which assertions were used. */
import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterPayload } from 'oidc-provider';

const MOST = 100_000;

/** Of one server: an adapter for each of its models. */
export function keptInMemory(): (model: string) => Adapter {
  const entries = new LRUCache<string, AdapterPayload>({ max: MOST });
  return (model) => {
    const placeOf = (id: string) => `${model} ${id}`;
    const by = async (isIt: (payload: AdapterPayload) => boolean): Promise<AdapterPayload | undefined> =>
      [...entries.entries()].find(([place, payload]) => place.startsWith(`${model} `) && isIt(payload))?.[1];
    return {
      find: async (id) => entries.get(placeOf(id)),
      findByUid: (uid) => by((payload) => payload.uid === uid),
      findByUserCode: (code) => by((payload) => payload.userCode === code),
      upsert: async (id, payload, expiresIn) => {
        const more = typeof expiresIn === 'number' && expiresIn > 0 ? { ttl: expiresIn * 1000 } : {};
        entries.set(placeOf(id), payload, more);
      },
      consume: async (id) => {
        const found = entries.get(placeOf(id));
        if (found !== undefined) found['consumed'] = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => void entries.delete(placeOf(id)),
      revokeByGrantId: async (grant) => {
        for (const [place, { grantId }] of entries.entries()) if (grantId === grant) entries.delete(place);
      },
    };
  };
}
