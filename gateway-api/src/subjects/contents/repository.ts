/** The FHIR room's Repository with the contents of Binaries, which lie beside the ledger. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Caller } from '../../auth/caller.ts';
import type {
  HistoryPage,
  NewDraft,
  Repository,
  Search,
  SearchPage,
  StoredResource,
  VersionsPage,
} from '../../fhir/repository.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import type { Contents } from './contents.ts';

const TYPE = 'Binary';

/** Everything as `inner` answers it, Binaries with what they hold. */
export function withContents<T extends Repository>(inner: T, contents: Contents): T {
  /** Of lists what is kept here alone: nobody makes this gateway ask others a thousand times. */
  const filled = async <One extends StoredResource | undefined>(stored: One): Promise<One> =>
    stored === undefined ? stored : { ...stored, resource: await contents.filled(stored.resource) };
  const fetched = async <One extends StoredResource | undefined>(stored: One): Promise<One> =>
    stored === undefined ? stored : { ...stored, resource: await contents.filled(stored.resource, stored.author) };
  const own: Partial<Repository> = {
    read: async (caller: Caller, type: string, id: string) => {
      const found = await inner.read(caller, type, id);
      return type === TYPE ? fetched(found) : found;
    },
    readVersion: async (caller: Caller, type: string, id: string, version: number) => {
      const found = await inner.readVersion(caller, type, id, version);
      return type === TYPE ? fetched(found) : found;
    },
    history: async (caller: Caller, type: string, id: string, asked: HistoryPage): Promise<VersionsPage> => {
      const page = await inner.history(caller, type, id, asked);
      return type === TYPE ? { ...page, versions: await Promise.all(page.versions.map((one) => filled(one))) } : page;
    },
    search: async (caller: Caller, search: Search): Promise<SearchPage> => {
      const page = await inner.search(caller, search);
      return search.type === TYPE
        ? { ...page, matches: await Promise.all(page.matches.map((one) => filled(one))) }
        : page;
    },
    submit: async (caller: Caller, drafts: NewDraft[], sending: Sending): Promise<Outcome> => {
      const taken = drafts.map(async (draft) => {
        const { resource } = draft;
        return resource.resourceType === TYPE
          ? { ...draft, resource: await contents.taken(resource as Resource) }
          : draft;
      });
      return inner.submit(caller, await Promise.all(taken), sending);
    },
  };
  return new Proxy(inner, {
    get: (target, name) => {
      const member = Reflect.get(own, name) ?? Reflect.get(target, name);
      return typeof member === 'function' && !Reflect.has(own, name) ? member.bind(target) : member;
    },
  });
}
