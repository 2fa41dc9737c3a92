import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { GatewayError, type Transaction } from '@hyperledger/fabric-gateway';
import { expect } from 'chai';
import { until } from '../consortium.fixture.ts';
import { silent } from '../index/index.fixture.ts';
import { Outcomes } from './outcomes.ts';
import { Submissions } from './submissions.ts';

const VALID = { transactionId: 't', code: 0, block: 7, endorsers: ['AMSP'], time: 'now' };

function failure(code: status, message: string): GatewayError {
  const cause = Object.assign(new Error(message), { code, details: message, metadata: {} as Metadata }) as ServiceError;
  return new GatewayError({ code, details: [], cause, message });
}
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
const failureOf = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

/** A transaction whose hand-overs end as given, the last one again and again, and whose status is `committed`. */
function submissionOf(ends: (Error | 'accepted' | 'never')[], committed: Promise<object> = new Promise(() => {})) {
  committed.catch(() => undefined);
  const outcomes = new Outcomes();
  let attempts = 0;
  let late = 0;
  const commit = { getTransactionId: () => 't', getStatus: () => committed };
  const transaction = {
    getTransactionId: () => 't',
    submit: async ({ deadline }: { deadline: number }) => {
      const end = ends[Math.min(attempts, ends.length - 1)];
      attempts += 1;
      if (end instanceof Error) throw end;
      if (end === 'accepted') return commit;
      await new Promise((resolve) => setTimeout(resolve, deadline - Date.now()));
      throw failure(status.DEADLINE_EXCEEDED, 'submit timeout expired while broadcasting to ordering service');
    },
  };
  const options = { outcomes, log: silent, submitMs: 10_000, feedWaitMs: 100, onFeedLate: () => (late += 1) };
  const submissions = new Submissions(options);
  const submit = (budgetMs: number) =>
    submissions.submit(transaction as unknown as Transaction, ['AMSP'], Date.now() + budgetMs);
  return { outcomes, submissions, submit, attempts: () => attempts, late: () => late };
}

describe('A transaction that is submitted', () => {
  const away = failure(status.UNAVAILABLE, 'no orderers could successfully process transaction');

  it('has the outcome that the read model reports', async () => {
    const { outcomes, submit } = submissionOf(['accepted']);
    const submitted = submit(5_000);
    outcomes.report(VALID);
    expect(await submitted).to.equal(VALID);
  });

  it('is handed over again with the same bytes until an orderer takes it', async () => {
    const { outcomes, submit, attempts } = submissionOf([away, away, 'accepted']);
    const submitted = submit(5_000);
    await until(() => attempts() === 3);
    outcomes.report(VALID);
    expect(await submitted).to.equal(VALID);
    expect(attempts()).to.equal(3);
  });

  it('is not handed over any more once it has been seen in a block, whatever the orderers said', async () => {
    const { outcomes, submit, attempts } = submissionOf([away]);
    const submitted = submit(5_000);
    outcomes.report(VALID);
    expect(await submitted).to.equal(VALID);
    const before = attempts();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(attempts()).to.be.at.most(before + 1);
  });

  it('is unknown at the deadline, and named until then', async () => {
    for (const ends of [[away], ['never'], ['accepted']] as (Error | 'never' | 'accepted')[][]) {
      const { submissions, submit } = submissionOf(ends, Promise.reject(new Error('no status')));
      const started = performance.now();
      const submitted = failureOf(submit(300));
      expect(submissions.unresolved).to.deep.equal(['t']);
      expect(await submitted).to.deep.include({ status: 504, kind: 'unknown' });
      expect(performance.now() - started).to.be.lessThan(1_300);
      expect(submissions.unresolved).to.deep.equal([]);
    }
  });

  it('is committed where the peer says so and the read model is late', async () => {
    const { submit, late } = submissionOf(['accepted'], Promise.resolve({ code: 0, blockNumber: 9n }));
    expect(await submit(5_000)).to.deep.include({ code: 0, block: 9, endorsers: ['AMSP'] });
    expect(late()).to.equal(1);
  });

  it('was not ordered where the first orderer refuses it: the identity is named as what it is', async () => {
    const text = 'received unsuccessful response from orderer: status=FORBIDDEN, info=permission denied';
    expect(await failureOf(submissionOf([failure(status.ABORTED, text)]).submit(5_000))).to.include({
      kind: 'refuses',
    });
    const large = 'received unsuccessful response from orderer: status=BAD_REQUEST, info=exceeds maximum allowed';
    const bug = await failureOf(submissionOf([failure(status.ABORTED, large)]).submit(5_000));
    expect(bug.message).to.match(/the orderer refused transaction t/);
    // After an attempt whose end is not known, a refusal proves nothing.
    const later = submissionOf([away, failure(status.ABORTED, text)]);
    expect(await failureOf(later.submit(300))).to.include({ status: 504 });
  });
});
