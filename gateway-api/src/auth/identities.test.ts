import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { rememberedIdentities } from './identities.ts';

const sender = { role: 'practitioner', fhirUser: 'Practitioner/1' } as const;

describe('Identities that a gateway signs with', () => {
  it('are asked for once, and again where they could not be had', async () => {
    let asked = 0;
    const identityOf = rememberedIdentities({
      of: async () => {
        asked += 1;
        if (asked === 1) throw new Error('the authority is away');
        return { name: 'one', certificate: '', privateKey: '' };
      },
    });
    expect(await identityOf(sender).catch((error: Error) => error.message)).to.equal('the authority is away');
    const found = await Promise.all([identityOf(sender), identityOf(sender)]);
    expect([found[0], asked]).to.deep.equal([found[1], 2]);
  });

  it('are used no more from the moment on that they are revoked, though they are remembered', async () => {
    const revoked = new Set<string>();
    const identityOf = rememberedIdentities({
      of: async (role, fhirUser) => ({ name: `${role} ${fhirUser}`, certificate: String(fhirUser), privateKey: '' }),
      isRevoked: ({ certificate }) => revoked.has(certificate),
    });
    await identityOf(sender);
    revoked.add(sender.fhirUser);
    const error = await identityOf(sender).catch((one: unknown) => one);
    expect(error).to.be.instanceOf(LedgerError).and.to.include({ code: 'FORBIDDEN' });
    expect((error as Error).message)
      .to.contain('has been revoked')
      .and.not.to.contain('Practitioner/');
    expect((await identityOf({ ...sender, fhirUser: 'Practitioner/2' })).name).to.contain('Practitioner/2');
  });
});
