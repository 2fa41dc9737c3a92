/** Chaincode of an organisation that will not take part: it refuses everything, or computes something else. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { Access } from '../../chaincode/src/contracts/access.ts';
import { Claims } from '../../chaincode/src/contracts/claims.ts';
import { Consents } from '../../chaincode/src/contracts/consents.ts';
import { Emergencies } from '../../chaincode/src/contracts/emergencies.ts';
import { Registry } from '../../chaincode/src/contracts/registry.ts';

type Method = (...call: unknown[]) => Promise<string>;

const CHANGED: [new (members: Consortium) => object, string[]][] = [
  [Consents, ['RevokeConsent', 'AmendConsent', 'WithdrawConsentVersion']],
  [Access, ['DecideAccess', 'DecideAccesses', 'RefuseAccess', 'PurgeCopies', 'ReportAccess']],
  [Emergencies, ['OpenReview', 'BreakGlass', 'CloseReview']],
  [Claims, ['AdjudicateClaim']],
  [Registry, ['SetLicence']],
];

export const UNWILLING: Record<string, (real: Method) => Method> = {
  'refuses everything': () => () => Promise.reject(new LedgerError('CONFLICT', 'not here', 'id')),
  'computes something else':
    (real) =>
    async (...call) =>
      `${await real(...call)} `,
};

/** Changes the chaincode that is served in this thread from now on; call what it returns to change it back. */
export function changeChaincode(members: Consortium, change: (real: Method) => Method): () => void {
  const restore = CHANGED.flatMap(([Contract, names]) => {
    const prototype = Contract.prototype as Record<string, Method>;
    const contract = new Contract(members);
    return names.map((name) => {
      const real = prototype[name]!;
      prototype[name] = change(real.bind(contract));
      return () => {
        prototype[name] = real;
      };
    });
  });
  return () => {
    for (const one of restore) one();
  };
}
