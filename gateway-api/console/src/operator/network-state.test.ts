/** What an operator's desk makes of the network's state: who is in step, what is an alarm and which queue is shown. */
import { expect } from 'chai';
import { messages } from '../messages/staff/en.ts';
import { alarmsIn, certificateTag, queuesIn, standingOf } from './network-state.ts';

const member = (more: object) => ({ name: 'clinic', kind: 'provider', mspId: 'ClinicMSP', ...more });
const figure = (name: string, value: number, labels: Record<string, string> = {}) => ({ name, value, labels });

describe('The operator’s desk', () => {
  it('tells a peer that is away from one that is behind and one that is in step', () => {
    const all = [{}, { height: 10, behind: 6 }, { height: 10, behind: 5 }, { height: 10 }];
    expect(all.map((one) => standingOf(member(one)))).to.deep.equal(['away', 'behind', 'well', 'well']);
  });

  it('shows as an alarm what is above zero, each with what to do, and no mere count', () => {
    const figures = [
      figure('gateway_disagreements_total', 2, { member: 'BankMSP' }),
      figure('gateway_disagreements_total', 0, { member: 'PayerMSP' }),
      ...[figure('gateway_duty_items_failing', 1), figure('gateway_block', 40), figure('gateway_writes_waiting', 3)],
    ];
    const alarms = alarmsIn({ figures });
    expect(alarms.map(({ name, labels }) => `${name} ${labels}`.trim())).to.deep.equal([
      'gateway_disagreements_total BankMSP',
      'gateway_duty_items_failing',
    ]);
    for (const { remedy } of alarms) expect(messages[remedy]).to.be.a('string').and.not.equal('');
    expect(queuesIn({ figures }).map(({ name }) => name))
      .to.include('gateway_writes_waiting')
      .and.not.include('gateway_block');
  });

  it('warns of a certificate a month before it ends', () => {
    expect([-1, 0, 29, 30].map(certificateTag)).to.deep.equal(['tag bad', 'tag warn', 'tag warn', 'tag good']);
  });
});
