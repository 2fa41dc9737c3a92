import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { GatewayError } from './error.ts';
import { ConcurrencyLimit } from './limit.ts';

describe('A concurrency limit', () => {
  it('refuses what is over it and takes more when calls have ended', async () => {
    const limit = new ConcurrencyLimit('/gateway.Gateway', 2);
    const ends: (() => void)[] = [];
    const calls = [1, 2].map(() => limit.run(() => new Promise<void>((resolve) => ends.push(resolve))));
    const refused = await limit.run(async () => 'served').catch((error: unknown) => error as GatewayError);
    expect(refused).to.be.instanceOf(GatewayError);
    expect(refused).to.include({
      code: status.UNKNOWN,
      message: 'too many requests for /gateway.Gateway, exceeding concurrency limit (2)',
    });
    for (const end of ends) end();
    await Promise.all(calls);
    expect(await limit.run(async () => 'served')).to.equal('served');
  });

  it('counts a call that failed as ended', async () => {
    const limit = new ConcurrencyLimit('/protos.Deliver', 1);
    await limit.run(() => Promise.reject(new Error('failed'))).catch(() => {});
    expect(await limit.run(async () => 'served')).to.equal('served');
  });
});
