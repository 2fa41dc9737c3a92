/**
 * Three things say who must endorse: the transaction table, the policies of the collections that a transaction writes into,
 * and the policies of single keys. Here the second and third are held to the first, for every transaction, whoever is
 * concerned: what the table asks for is enough for Fabric, and what is enough for Fabric is what the table asks for, but for
 * what is said to be wider, with its reason.
 */
import { collectionsOf, collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Endorsers } from '@telemed-ledger/consortium/endorsers.ts';
import type { Consortium, Kind } from '@telemed-ledger/consortium/members.ts';
import { all, isSatisfied as isEnoughFor, type PolicyRule } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import type { Told, Transaction } from './transaction.ts';
import { type TransactionName, transactions } from './transactions.ts';

/** Several of each kind that may be several, so that "another's" is among the sets that are tried. */
const KINDS: Record<string, Kind> = {
  ...{ hospital: 'provider', clinic: 'provider', patients: 'custodian', payer: 'payer', 'payer-two': 'payer' },
  ...{ bank: 'bank', regulator: 'regulator', 'regulator-two': 'regulator' },
};
const consortium: Consortium = {
  ...{ channel: 'telemed', chaincode: 'telemed' },
  organisations: Object.entries(KINDS).map(([name, kind]) => ({ name, mspId: `${name}-msp`, kind })),
};
const NAMES = Object.keys(KINDS);
const POLICIES = new Map(collectionsOf(consortium).map(({ name, endorsement }) => [name, endorsement]));
const SETS = Array.from({ length: 2 ** NAMES.length }, (_, bits) => NAMES.filter((_name, at) => (bits >> at) & 1));

const isSatisfied = (rule: PolicyRule, names: readonly string[]): boolean =>
  isEnoughFor(
    rule,
    names.map((name) => `${name}-msp`),
  );
/** The chaincode's own policy: any two. */
const isEnough = (collections: readonly string[], names: readonly string[]): boolean =>
  names.length >= 2 && collections.every((collection) => isSatisfied(POLICIES.get(collection)!, names));
const isAskedFor = ({ must, oneOf }: Endorsers, names: readonly string[]): boolean =>
  must.every((one) => names.includes(one)) && (oneOf.length === 0 || oneOf.some((one) => names.includes(one)));

/** Whom the fields of an input name, and of which kinds they are. */
const FIELDS: Record<string, readonly Kind[]> = {
  ...{
    holder: ['provider'],
    provider: ['provider'],
    payer: ['payer'],
    bank: ['bank'],
    requestor: ['provider', 'payer'],
    organisation: ['provider', 'payer', 'bank', 'regulator'],
  },
};
const namesOf = (kinds: readonly Kind[]): string[] => NAMES.filter((name) => kinds.includes(KINDS[name]!));

interface Case extends Told<Record<string, unknown>, Record<string, unknown>> {
  parties: Record<string, string>;
}

/** Every way in which callers and parties can be chosen. */
function casesOf(definition: Transaction): Case[] {
  const { shape } = definition.input as { shape?: object };
  // Most name none, and it would be as many cases again for each.
  const fields = Object.keys(FIELDS).filter((field) => field !== 'organisation' || 'organisation' in (shape ?? {}));
  let chosen: Record<string, string>[] = namesOf(definition.callers).map((caller) => ({ caller }));
  for (const field of fields)
    chosen = chosen.flatMap((some) => namesOf(FIELDS[field]!).map((name) => ({ ...some, [field]: name })));
  if ('collection' in (shape ?? {}))
    chosen = chosen.flatMap((some) => {
      const own = collectionsOfMember(consortium, { name: some['caller']! });
      return [...own].map((collection) => ({ ...some, collection }));
    });
  const distinct = chosen.filter(({ holder, requestor, caller }) => holder !== requestor && holder !== caller);
  return distinct.map((parties) => ({
    ...{ consortium, parties, caller: parties['caller']! },
    input: { ...parties, providers: [parties['provider']!] },
    private: { ...parties, decisions: [parties], claims: [parties] },
  }));
}

/**
 * Where the collections' policies ask for less than the table, whose endorsement they do not ask for, and why that is
 * meant. What such colluders write counts for nothing where its reader can see that it is not theirs.
 */
const WIDER: Partial<Record<TransactionName, { without: string[]; because: string }>> = {
  RequestAccess: {
    without: ['caller'],
    because: 'an inbox is the custodian’s to write with anybody; a request counts where its requestor has signed it',
  },
  RequestAccesses: {
    without: ['caller'],
    because: 'an inbox is the custodian’s to write with anybody; a request counts where its requestor has signed it',
  },
  BreakGlass: {
    without: ['one of'],
    because: 'the policy of an inbox names no holder; the custodian holds what it shows, and could show it to anybody',
  },
  OpenReview: {
    without: ['caller', 'one of'],
    because: 'opening and closing lie in one collection; a review counts as opened where the custodian has signed it',
  },
  CloseReview: {
    without: ['caller'],
    because: 'opening and closing lie in one collection; a review counts as closed where a regulator has signed it',
  },
  SetLicence: { without: ['caller'], because: 'any regulator vouches for the register' },
  PublishLots: { without: ['caller'], because: 'any regulator vouches for the register' },
  PublishRecall: { without: ['caller'], because: 'any regulator vouches for the register' },
  SetControlled: { without: ['caller'], because: 'any regulator vouches for the register' },
  SignPrescription: {
    without: ['caller'],
    because:
      'marks are the custodian’s to write with anybody; what is signed is named by a secret of those who are shown it',
  },
  ReportRecall: {
    without: ['caller'],
    because:
      'reviews are the custodian’s and the regulators’ to write with anybody; a report counts where its reporter signed it',
  },
  SetRules: { without: ['caller'], because: 'any regulator vouches for the register' },
  SetLicences: { without: ['caller'], because: 'any regulator vouches for the register' },
  RequestAuthorization: {
    without: ['caller'],
    because: 'the payer’s collection decides; a request of a member counts where that member has signed it',
  },
  ReceiveAuthorization: {
    // Here one provider is also called the holder.
    without: ['holder', 'provider'],
    because:
      'the payer’s collection decides; what it received from elsewhere is its own word, which the provider reads',
  },
  DecideAuthorization: {
    without: ['one of'],
    because: 'the payer answers for what it authorizes; who recomputes it is not to be a third party, but could be',
  },
  SubmitClaim: {
    without: ['caller'],
    because:
      'the payer’s collection decides, and it could deny anything; a claim counts where its provider has signed it',
  },
  SubmitClaims: {
    without: ['caller'],
    because:
      'the payer’s collection decides, and it could deny anything; a claim counts where its provider has signed it',
  },
  ChangeScreeningKey: {
    without: ['caller', 'one of'],
    because:
      'any payer vouches for the key, as all of them know it; the custodian endorses what claims hold under it, in the same collection',
  },
  ScreenClaim: {
    without: ['patients'],
    because: 'the payer’s collection decides, and it could pay anything; what it pays twice it loses',
  },
  ScreenClaims: {
    without: ['patients'],
    because: 'the payer’s collection decides, and it could pay anything; what it pays twice it loses',
  },
  WithdrawClaim: {
    without: ['caller'],
    because: 'the payer’s collection decides; a withdrawal counts where the claim’s provider has signed it',
  },
  ReopenClaim: {
    without: ['caller'],
    because: 'the payer’s collection decides; an answer or an appeal counts where the claim’s provider has signed it',
  },
  AppealClaim: {
    without: ['caller'],
    because: 'the payer’s collection decides; an appeal of a patient’s counts where her custodian has signed it',
  },
  PurgeEvidence: {
    without: ['one of'],
    because:
      'copies in a payer’s collection are its to remove; what they were made of lies with provider and custodian',
  },
  PurgeAuthorization: {
    without: ['one of'],
    because: 'what a payer is shown to decide by is its to remove; what it rests on lies with whoever asked',
  },
  OffsetClaim: {
    without: ['one of'],
    because: 'it takes from debts that stand there already, and the provider sees from which',
  },
  AdjudicateClaim: {
    without: ['one of'],
    because: 'the payer owes what it adjudicates; who recomputes it is not to be a third party, but could be',
  },
  AdjudicateClaims: {
    without: ['one of'],
    because: 'the payer owes what it adjudicates; who recomputes it is not to be a third party, but could be',
  },
  RegisterAccount: {
    without: ['bank', 'caller'],
    because:
      'the payer’s collection decides; an account counts where its owner has signed it and its bank has confirmed it',
  },
  SayOfAccount: {
    without: ['caller'],
    because: 'the payer’s collection decides; what a bank says of an account counts where it has signed it',
  },
  SetPaymentTerms: {
    // The same organisation, where it is called both.
    without: ['holder', 'provider'],
    because:
      'the payer owes, and could pay elsewhere without a ledger; the account is one that the provider has signed',
  },
  RepayDebts: {
    without: ['bank', 'caller'],
    because: 'the payer’s collection decides; a payment back counts where the provider that owes has signed it',
  },
  ReopenDebts: {
    without: ['one of'],
    because: 'what ended stands there already, and its debts; the provider sees which are owed again',
  },
  RemitPayment: { without: ['one of'], because: 'it tells the provider what stands there already' },
  InstructPayment: { without: ['bank'], because: 'the payer’s collection decides; the bank pays what it has endorsed' },
  ReportPayment: {
    without: ['caller'],
    because: 'the payer’s collection decides; what a bank reports counts where it has signed it',
  },
  CosignCheckpoint: {
    without: ['caller'],
    because: 'it writes nothing, and counts by the signature of the witness itself',
  },
  AnchorLog: {
    without: ['caller'],
    because:
      'marks and inboxes are the custodian’s to write with anybody; an anchor counts where its organisation signed it',
  },
  PurgeReads: {
    without: ['caller'],
    because: 'inboxes are the custodian’s to write with anybody; what is purged early shows in the blocks, and at both',
  },
  PurgeRefused: {
    without: ['caller'],
    because: 'nothing stands under what it purges: whoever may write the collection may have it purged',
  },
  EraseRecord: {
    without: ['caller'],
    because: 'a mark is the custodian’s with anybody: for a patient it erases without the provider',
  },
};

/** Whose endorsement the policies of what is always written do not ask for, as the parties are called. */
function notAskedFor(definition: Transaction, one: Case): string[] {
  const { must, oneOf } = definition.endorsers(consortium, one.caller, one.input);
  const { always } = definition.writes!(one);
  const enough = SETS.filter((names) => isEnough(always, names));
  const calledOf = (name: string) => Object.entries(one.parties).find(([, party]) => party === name)?.[0] ?? name;
  const without = must.filter((name) => enough.some((names) => !names.includes(name))).map(calledOf);
  const isWithoutAny = oneOf.length > 0 && enough.some((names) => oneOf.every((name) => !names.includes(name)));
  return [...without, ...(isWithoutAny ? ['one of'] : [])];
}

describe('Who endorses', () => {
  it('is always the caller too: its own peer holds what it has seen, so that its refusal is no lag', () => {
    for (const [name, definition] of Object.entries(transactions) as [TransactionName, Transaction][])
      for (const one of casesOf(definition)) {
        const { must } = definition.endorsers(consortium, one.caller, one.input);
        // What a provider may not do for another one is refused either way, by others' peers.
        const isAnothers = name === 'CancelKeyCode' && ![one.parties['provider'], 'patients'].includes(one.caller);
        expect(must.includes(one.caller), name).to.equal(!isAnothers);
      }
  });

  const submitted = (Object.entries(transactions) as [TransactionName, Transaction][]).filter(
    ([, { kind }]) => kind === 'submit',
  );

  for (const [name, definition] of submitted) {
    it(`${name} is enough for every collection that it writes into, whoever of those that may does`, () => {
      const cases = casesOf(definition);
      expect(cases).to.have.length.greaterThan(0);
      for (const one of cases) {
        const { must, oneOf } = definition.endorsers(consortium, one.caller, one.input);
        const { always, copies = [] } = definition.writes!(one);
        const written = [...always, ...copies];
        expect([...POLICIES.keys()]).to.include.members(written);
        const sets = oneOf.length === 0 ? [must] : oneOf.map((another) => [...must, another]);
        for (const names of sets) expect(isEnough(written, names), `${names} for ${written}`).to.equal(true);
      }
    });

    it(`${name} is nothing less than the table asks for${name in WIDER ? ', but for what is meant to be wider' : ''}`, () => {
      const found = new Set(casesOf(definition).flatMap((one) => notAskedFor(definition, one)));
      expect([...found].sort(), WIDER[name]?.because).to.deep.equal([...(WIDER[name]?.without ?? [])].sort());
      for (const one of casesOf(definition)) {
        const endorsers = definition.endorsers(consortium, one.caller, one.input);
        const { always } = definition.writes!(one);
        for (const names of SETS.filter((some) => isAskedFor(endorsers, some)))
          expect(isEnough(always, names), `${names}`).to.equal(true);
      }
    });
  }

  it('says where it writes, of everything that writes, and of nothing else', () => {
    for (const [name, { kind, writes }] of Object.entries(transactions) as [string, Transaction][])
      expect(writes !== undefined, name).to.equal(kind === 'submit');
  });

  it('a mark once more is everybody together, which no transaction asks for', () => {
    const everybody = all(...consortium.organisations.map(({ mspId }) => mspId));
    const enough = SETS.filter((names) => isSatisfied(everybody, names));
    expect(enough).to.deep.equal([NAMES]);
    expect(isEnough(['marks'], NAMES)).to.equal(true);
    for (const [name, definition] of submitted)
      for (const one of casesOf(definition)) {
        const { must, oneOf } = definition.endorsers(consortium, one.caller, one.input);
        for (const another of oneOf.length === 0 ? [undefined] : oneOf)
          expect(new Set([...must, another]).size, name).to.be.lessThan(NAMES.length);
      }
  });
});
