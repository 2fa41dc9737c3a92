/**
 * Of which private data collections an organisation is a member (DESIGN: what the ledger holds): what its peer must
 * deliver, and what is missing when it doesn't.
 */
import {
  type Consortium,
  collections,
  custodianOf,
  type Organisation,
  organisationsOfKind,
} from '@telemed-ledger/chaincode/model/consortium.ts';

export function collectionsOfMember(consortium: Consortium, member: Organisation): Set<string> {
  const custodian = custodianOf(consortium).name === member.name;
  const names = (kind: Organisation['kind']): string[] => organisationsOfKind(consortium, kind).map(({ name }) => name);
  const isOneOf = (...organisations: string[]): boolean => custodian || organisations.includes(member.name);
  const found = new Set<string>([collections.registers]);
  for (const provider of names('provider').filter((name) => isOneOf(name))) {
    found.add(collections.care(provider)).add(collections.consent(provider));
  }
  for (const { name } of consortium.organisations) {
    if (isOneOf(name) && name !== custodianOf(consortium).name) found.add(collections.inbox(name));
  }
  for (const payer of names('payer')) {
    for (const provider of names('provider')) {
      if (isOneOf(provider, payer)) found.add(collections.claim(provider, payer));
    }
    for (const bank of names('bank')) {
      if (member.name === payer || member.name === bank) found.add(collections.settle(payer, bank));
    }
  }
  if (member.kind === 'payer' || member.kind === 'regulator') found.add(collections.payers);
  return found;
}
