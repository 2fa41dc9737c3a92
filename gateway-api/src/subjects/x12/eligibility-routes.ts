/** Whether members are covered: a 270 asks a provider's own gateway, or the payer's, and a 271 answers (005010X279A1). */
import { insuranceOf } from '../claims/eligibility.ts';
import { shownOf } from '../reads/read-log.ts';
import { answer271, type CoverTold } from './answers-271.ts';
import { coveragesNumbered } from './members.ts';
import { type Asking, questionRoutes } from './question-routes.ts';
import { type EligibilityQuestion, read270 } from './questions-270.ts';
import type { TransactionSet } from './segments.ts';
import type { Written } from './writing.ts';

async function eligibilities(set: TransactionSet, { services, caller, notMapped, now }: Asking): Promise<Written[]> {
  const asked = read270(set, notMapped);
  const { readLog, index, consortium } = services;
  const found = new Map<EligibilityQuestion, CoverTold[]>();
  const isMember = (name: string): boolean => consortium.organisations.some((one) => one.name === name);
  for (const question of asked.questions.values()) {
    const { member, payer, level, served = { first: now.slice(0, 10), last: now.slice(0, 10) } } = question;
    if (member === '' || level.code === '23') continue;
    const all = await coveragesNumbered(member, index);
    const meant = all.filter(({ author }) => author === payer || !isMember(payer));
    await readLog.note(caller, { interaction: 'search', type: 'Coverage', about: shownOf(meant) });
    const told = meant.map(async (one) => ({
      coverage: one.resource,
      insurance: await insuranceOf(one, { days: served, purposes: ['validation', 'benefits'] }, services),
    }));
    found.set(question, await Promise.all(told));
  }
  return answer271(asked, found, now, notMapped);
}

export const eligibility = questionRoutes({
  path: '/x12/270',
  kinds: ['provider', 'payer'],
  roles: ['system', 'adjudicator'],
  summary: 'Whether members are covered, and what of it they pay: an X12 270 (005010X279A1) is answered by a 271.',
  answer: { group: 'HB', type: '271', version: '005010X279A1' },
  ask: eligibilities,
});
