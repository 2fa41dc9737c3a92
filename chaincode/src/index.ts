/** The list of contracts: everything that the chaincode can do. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Contract } from 'fabric-contract-api';
import { Access } from './contracts/access.ts';
import { Accounts } from './contracts/accounts.ts';
import { Authorizations } from './contracts/authorizations.ts';
import { ClaimAppeals } from './contracts/claim-appeals.ts';
import { ClaimCorrections } from './contracts/claim-corrections.ts';
import { ClaimPurges } from './contracts/claim-purges.ts';
import { PayerTables } from './contracts/claim-tables.ts';
import { Claims } from './contracts/claims.ts';
import { Consents } from './contracts/consents.ts';
import { Controlled } from './contracts/controlled.ts';
import { Corrections } from './contracts/corrections.ts';
import { Emergencies } from './contracts/emergencies.ts';
import { Erasures } from './contracts/erasures.ts';
import { Links } from './contracts/links.ts';
import { Logs } from './contracts/logs.ts';
import { PatientKeys } from './contracts/patient-keys.ts';
import { Recalls } from './contracts/recalls.ts';
import { Records } from './contracts/records.ts';
import { Registry } from './contracts/registry.ts';
import { Renewals } from './contracts/renewals.ts';
import { Repayments } from './contracts/repayments.ts';
import { Screenings } from './contracts/screenings.ts';
import { Settlements } from './contracts/settlements.ts';
import { Visits } from './contracts/visits.ts';
import { Witnesses } from './contracts/witnesses.ts';

/** One instance of each contract, for a consortium. Their names are the table's. */
export const contracts = (consortium: Consortium): Contract[] =>
  [
    Records,
    Consents,
    Access,
    Emergencies,
    Erasures,
    Corrections,
    Renewals,
    Claims,
    ClaimCorrections,
    ClaimPurges,
    ClaimAppeals,
    Authorizations,
    PayerTables,
    Screenings,
    Settlements,
    Accounts,
    Repayments,
    Registry,
    Recalls,
    Controlled,
    Visits,
    Witnesses,
    PatientKeys,
    Logs,
    Links,
  ].map((Class) => new Class(consortium));
