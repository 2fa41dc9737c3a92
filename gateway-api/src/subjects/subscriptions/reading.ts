/** What whoever made a subscription may be sent at the moment: what is sent is shown to him, and logged as read by him. */
import { decisionOn } from '@telemed-ledger/chaincode/model/licences.ts';
import { failureOf } from '../../fhir/outcomes.ts';
import { withContents } from '../contents/repository.ts';
import { Records } from '../records/records.ts';
import { viewIfAny } from '../records/views.ts';
import type { Services } from '../services.ts';
import { madeByOf, type Sendable } from './numbered.ts';

/** What he may not read, or what is gone, is not there; what is not here yet, or cannot be read now, fails. */
const NOT_THERE = [403, 404, 410];

async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (NOT_THERE.includes(failureOf(error)?.status ?? 0)) return undefined;
    throw error;
  }
}

export function sendableBy(services: Services): Sendable {
  const records = withContents(new Records(services, {}), services.contents);
  return {
    read: (caller, type, id) => unlessGone(() => records.read(caller, type, id)),
    isThere: async (caller, type, id) => {
      const view = viewIfAny(caller, type, 'r');
      if (view === undefined || view.only !== undefined) return false;
      return (await unlessGone(() => services.index.newest(type, id, view))) !== undefined;
    },
    endedFor: (row) => endedFor(row, services),
  };
}

/** A subscription outlives the token that it was made with; not the application, the licence and the links. */
async function endedFor(
  row: Parameters<Sendable['endedFor']>[0],
  { authorization, index, organisation }: Pick<Services, 'authorization' | 'index' | 'organisation'>,
): Promise<string | undefined> {
  const { client, role, fhirUser, linked = [] } = row.caller === null ? {} : madeByOf(row).caller;
  if (client !== undefined && authorization?.clients.find(client) === undefined)
    return 'The application that made this is not registered any more.';
  const [, owner] = /^Patient\/(.+)$/.exec(row.owner) ?? [];
  if (owner !== undefined) {
    const others = [...linked, row.patient ?? owner].filter((one) => one !== owner);
    const still = others.length === 0 ? [] : await index.links.of(owner);
    return others.every((one) => still.includes(one))
      ? undefined
      : 'The records that this is about are not linked any more.';
  }
  if (role !== 'practitioner' || fhirUser === undefined) return undefined;
  const named = await index.register.licencesNaming({ organisation: organisation.name, practitioner: fhirUser });
  const today = new Date().toISOString().slice(0, 10);
  return named.length === 0 || named.some((licence) => decisionOn(licence, today).outcome === 'permit')
    ? undefined
    : 'The licence of whoever made this is not in force.';
}
