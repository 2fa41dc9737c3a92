/** What the subjects of one gateway work with: app.ts makes it once and hands it to every route, operation and duty. */
import type { Consortium, Kind, Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Orderers } from '@telemed-ledger/formats/channel/ordering.ts';
import type { HashedKey } from '@telemed-ledger/verifier/entry.ts';
import type { Evidence } from '@telemed-ledger/verifier/evidence.ts';
import type { Logger } from 'pino';
import type { IssuerKeys } from '../auth/issuer-keys.ts';
import type { FairSlots } from '../clients/fair-slots.ts';
import type { Answer } from '../fhir/answers.ts';
import type { Operation, OperationRequest } from '../fhir/operations.ts';
import type { GroupCommit } from '../group-commit/group-commit.ts';
import type { RefusalJournal } from '../idempotency/refusals.ts';
import type { IdempotentWrites } from '../idempotency/writes.ts';
import type { ReadModel } from '../index/read/queries.ts';
import type { Sweeper } from '../index/verification/sweeper.ts';
import type { LedgerClient } from '../ledger/client.ts';
import type { Enrolled } from '../ledger/connect.ts';
import type { AuthorizationServer } from '../oauth/server.ts';
import type { BrokenItems } from '../operations/broken-items.ts';
import type { Metrics } from '../operations/metrics.ts';
import type { ReadinessCheck } from '../operations/readiness.ts';
import type { Changes } from './access/changes.ts';
import type { Disclosures } from './access/disclosures.ts';
import type { AccessStreams } from './access/streams.ts';
import type { AccessGroups } from './access/together.ts';
import type { Undecided } from './access/undecided.ts';
import type { AccessWaits } from './access/waits.ts';
import type { AsyncRequests } from './asynchronous/requests.ts';
import type { AuditEvents } from './audit-events.ts';
import type { KeptRequests } from './authorizations/kept.ts';
import type { BulkExports } from './bulk/exports.ts';
import type { DeskJournal } from './claims/desk-journal.ts';
import type { ClaimGroups } from './claims/together.ts';
import type { Wishes } from './consents/wishes.ts';
import type { Contents } from './contents/contents.ts';
import type { ErasureRequests } from './erasures/requests.ts';
import type { CardKey } from './health-cards/card-key.ts';
import type { HealthLinks } from './health-links/links.ts';
import type { LinkCodes } from './links/codes.ts';
import type { LogAnchors } from './reads/anchors.ts';
import type { ReadLog } from './reads/read-log.ts';
import type { Witness } from './receipts/witness.ts';
import type { RecordItem } from './records/sheets.ts';
import type { LicenceGroups } from './registers/together.ts';
import type { Subscriptions } from './subscriptions/subscriptions.ts';
import type { JoinLinks } from './visits/join-links.ts';
import type { Parties } from './x12/parties.ts';

export interface Services {
  organisation: Organisation;
  consortium: Consortium;
  channel: string;
  index: ReadModel;
  ledger: LedgerClient;
  /** Records of several callers in one transaction. */
  groups: GroupCommit<RecordItem>;
  /** Requests for access, and decisions about them, several in one transaction. */
  accessGroups: AccessGroups;
  /** Claims that are submitted, screened or decided, several in one transaction. */
  claimGroups: ClaimGroups;
  /** Licences, several in one transaction. */
  licenceGroups: LicenceGroups;
  /** What becomes of requests for access is found out of so many of one holder's at once. */
  evaluations: Pick<FairSlots, 'run'>;
  idempotent: IdempotentWrites;
  disclosures: Disclosures;
  auditEvents: AuditEvents;
  /** Who was shown, or refused, what is here. */
  readLog: ReadLog;
  /** What of the logs of reads stands on the ledger. */
  logAnchors: LogAnchors;
  /** Deliveries after which something was changed. */
  changes: Changes;
  /** Requests that are to be looked at, and those that wait for the patient. */
  undecided: Undecided;
  /** Events of accesses to the patients whom they are about. */
  accessStreams: AccessStreams;
  /** Callers who wait for what becomes of an access. */
  accessWaits: AccessWaits;
  /** What refusals rest on, until their holders have been told. */
  refusals: RefusalJournal;
  /** Between the moments at which a request may be refused. */
  refusalsEveryMs: number;
  /** Who is to be told of accesses. */
  subscriptions: Subscriptions;
  /** Has it looked for work now. */
  wakeSubscribers: () => void;
  /** Codes by which patients link their records. */
  linkCodes: LinkCodes;
  /** What Binaries hold. */
  contents: Contents;
  /** Requests that are answered later. */
  asyncRequests: AsyncRequests;
  /** Exports of many records. */
  bulkExports: BulkExports;
  /** What patients want of their consents. */
  wishes: Wishes;
  /** Requests for authorization that the ledger has not taken yet. */
  keptRequests: KeptRequests;
  /** What is to be erased. */
  erasures: ErasureRequests;
  /** Claims of one member are decided one after the other. */
  decisions: Pick<FairSlots, 'run'>;
  /** Who works on which claim, at a payer. */
  desk: DeskJournal;
  /** Reads take turns among callers. */
  reads: Pick<FairSlots, 'run'>;
  /** So do exports of whole records, of which each client has one at a time. */
  exports: Pick<FairSlots, 'takeNow'>;
  /** Where items that cannot be read are reported, while the rest goes on. */
  broken: Pick<BrokenItems, 'report'>;
  /** What X12 files say of members. */
  x12Parties: Parties;
  /** To the video calls of visits. */
  joinLinks: JoinLinks;
  metrics: Metrics;
  log: Logger;
  /** What SMART Health Cards are signed with. */
  cardKey: CardKey;
  /** What patients have shared by links. */
  healthLinks: HealthLinks;
  /** Of whoever issues the tokens of its callers. */
  issuerKeys: IssuerKeys;
  /** Where its users sign in for applications, if this gateway is that. */
  authorization?: AuthorizationServer;
  /** The member's system identity, which signs for it. */
  systemIdentity(): Promise<Enrolled>;
  /** Signs the ledger's tree for this member. */
  witness: Witness;
  /** How long something waits until it is signed; 0: this gateway signs nothing. */
  checkpointEveryMs: number;
  /** So many hours before an appointment its patient is reminded; 0: never. */
  remindHours: number;
  /** The private writes of one envelope of a block, from the peer. */
  writesOf(block: number, position: number): Promise<HashedKey[]>;
  /** The envelope itself and its block's header, from the peer. */
  evidenceOf(block: number, position: number): Promise<Evidence | undefined>;
  /** Who ordered a block, by the channel's configuration then, from the peer. */
  orderersAt(block: number): Promise<Orderers>;
  sweeper: Pick<Sweeper, 'run' | 'last'>;
  readiness: ReadinessCheck;
}

/** A FHIR operation at the organisations of one kind. */
export interface SubjectOperation extends Omit<Operation, 'handle'> {
  kind: Kind;
  /** Answers POST; throws Refusal, Failure or LedgerError. */
  handle(request: OperationRequest, services: Services): Promise<Answer>;
}

/** Canonical URL of an operation of our own. */
export const definitionOf = (name: string): string => `https://telemed-ledger.example/fhir/OperationDefinition/${name}`;
