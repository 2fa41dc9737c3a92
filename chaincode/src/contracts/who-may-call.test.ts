/**
 * Who may call what of access, consents, keys, links, corrections, emergencies, erasures and logs: every member in every role that a
 * certificate can state, against every transaction. The table here is written for itself; who must endorse is in
 * model/endorsement.test.ts.
 */
import { KINDS, type Kind, ROLES, ROLES_OF_KIND, type Role } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import { contracts } from '../index.ts';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { type TransactionName, transactions } from '../model/transactions.ts';

const GATEWAY: Who = { custodian: ['system'] };
const EVERY: Who = Object.fromEntries(KINDS.map((kind) => [kind, ['system']]));
const REGISTERED: Who = { regulator: ['system', 'auditor'] };
const AT_PROVIDER: readonly Role[] = ['system', 'practitioner'];

type Who = Partial<Record<Kind, readonly Role[]>>;

/** A patient or caretaker calls nothing: her gateway does for her. */
const MAY: Partial<Record<TransactionName, Who>> = {
  ...{ CheckConsent: GATEWAY, EvaluateConsents: GATEWAY, GrantConsent: GATEWAY, AmendConsent: GATEWAY },
  ...{ RevokeConsent: GATEWAY, WithdrawConsentVersion: GATEWAY },
  RequestAccess: { provider: AT_PROVIDER, payer: ['system'] },
  RequestAccesses: { provider: AT_PROVIDER, payer: ['system'] },
  ...{
    DecideAccess: GATEWAY,
    DecideAccesses: GATEWAY,
    EvaluateAccess: GATEWAY,
    RefuseAccess: GATEWAY,
    PurgeCopies: GATEWAY,
  },
  ...{ ReportAccess: GATEWAY, ReviewDelivery: GATEWAY, DeliverAgain: GATEWAY, EvaluateAgain: GATEWAY },
  ...{ DeliverFurther: GATEWAY, EvaluateEmergency: GATEWAY, OpenReview: GATEWAY, BreakGlass: GATEWAY },
  CloseReview: REGISTERED,
  EraseRecord: { custodian: ['system'], provider: ['system'] },
  ...{ PurgeContent: GATEWAY, AskCorrection: GATEWAY, RestrictRecord: GATEWAY, LinkPatient: GATEWAY },
  AnswerCorrection: { provider: ['system'] },
  IssueKeyCode: { provider: AT_PROVIDER },
  CancelKeyCode: { provider: AT_PROVIDER, custodian: ['system'] },
  ...{ EnrolPatientKey: GATEWAY, ChangePatientKey: GATEWAY },
  PurgeRefused: EVERY,
  ...{ AnchorLog: EVERY, PurgeReads: EVERY, CosignCheckpoint: EVERY },
  ...{ SetLicence: REGISTERED, SetLicences: REGISTERED, SetRules: REGISTERED },
};
const CONTRACTS = [
  ...['access', 'consents', 'patient-keys', 'links', 'corrections', 'emergencies', 'erasures', 'renewals', 'logs'],
  ...['witnesses', 'registry'],
];
/** Open to every member: what they answer is in every member's hands. */
const OPEN: readonly string[] = ['ListOrganisations'];

describe('Who may call', () => {
  const ledger = new MemoryLedger(exampleConsortium, contracts(exampleConsortium) as never);
  const names = (Object.keys(transactions) as TransactionName[]).filter(
    (name) => CONTRACTS.includes(transactions[name].contract) && !OPEN.includes(name),
  );

  /** With nothing in it, so that whoever may call is refused for that. */
  const answerTo = async (name: TransactionName, from: string, role: string): Promise<string> => {
    const request = { from, role, input: {}, private: {}, endorsers: ['hospital', 'patients'] } as never;
    const sent = transactions[name].kind === 'submit' ? ledger.submit(name, request) : ledger.evaluate(name, request);
    return sent.then(
      () => 'done',
      (error: Error) => error.message,
    );
  };

  it('is said here of every transaction', () => {
    expect(names.toSorted()).to.deep.equal(Object.keys(MAY).toSorted());
  });

  for (const name of names)
    it(`${name}: these, and no other member or role`, async () => {
      const organisations = [...exampleConsortium.organisations, { name: 'stranger', kind: undefined }];
      let refused = 0;
      for (const { name: from, kind } of organisations)
        for (const role of [...ROLES, 'admin', '']) {
          const isOne = kind !== undefined && ROLES_OF_KIND[kind].some((known) => known === role);
          const may = isOne && (MAY[name]?.[kind] ?? []).some((known) => known === role);
          const answer = await answerTo(name, from, role);
          const place = `${from} as ${role}: ${answer}`;
          if (may) expect(answer, place).to.match(/INVALID/);
          else expect(answer, place).to.match(/FORBIDDEN/);
          if (!may) refused += 1;
        }
      expect(refused).to.be.greaterThan(organisations.length * ROLES.length - 20);
      expect([...ledger.private.keys(), ...ledger.public.keys()]).to.deep.equal([]);
    });
});
