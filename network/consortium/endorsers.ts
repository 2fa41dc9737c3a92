/** The organisations whose peers a transaction asks for endorsement, where their kinds decide that: names, the caller's first. */
import { type Consortium, custodianOf, organisationByName } from './members.ts';

export const callerOnly = (_: Consortium, caller: string): string[] => [caller];

export const withCustodian = (consortium: Consortium, caller: string): string[] => [
  caller,
  custodianOf(consortium).name,
];

/** The caller and one other organisation, the first that is not the caller among those given or all. */
export const withAnother = (consortium: Consortium, caller: string, others?: string[]): string[] => {
  const candidates = others ?? consortium.organisations.map((organisation) => organisation.name);
  const other = candidates.find((name) => name !== caller && organisationByName(consortium, name) !== undefined);
  return other === undefined ? [caller] : [caller, other];
};
