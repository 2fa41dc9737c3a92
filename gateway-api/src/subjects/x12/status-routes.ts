/** How claims stand: a 276 asks a provider's own gateway, or the payer's, and a 277 answers (005010X212). */
import { aboutOf } from '../reads/read-log.ts';
import { answer277, type Standing } from './answers-277.ts';
import { claimsMeant, type MeantClaim } from './meant-claims.ts';
import { patientOf } from './members.ts';
import { type Asking, questionRoutes } from './question-routes.ts';
import { read276, type StatusQuestion } from './questions-276.ts';
import { RemittanceSources } from './remittance-sources.ts';
import type { TransactionSet } from './segments.ts';
import type { Written } from './writing.ts';

async function statuses(set: TransactionSet, { services, caller, notMapped, now }: Asking): Promise<Written[]> {
  const asked = read276(set, notMapped);
  const found = new Map<StatusQuestion, Standing[] | undefined>();
  for (const question of [...asked.questions.values()].flat()) {
    const meant = await claimsMeant(question, services);
    const sources = new RemittanceSources(services);
    found.set(question, meant && (await Promise.all(meant.map((one) => withTransfer(one, sources)))));
  }
  const shown = [...found.values()]
    .flatMap((all) => all ?? [])
    .map(({ state: { id }, claim }) => ({ id, patient: patientOf(claim) }));
  await services.readLog.note(caller, { interaction: 'search', type: 'Claim', about: aboutOf('shown', shown) });
  return answer277(asked, found, now);
}

async function withTransfer(meant: MeantClaim, sources: RemittanceSources): Promise<Standing> {
  const { status, payment, provider } = meant.state;
  const told = status === 'remitted' && payment !== undefined ? await sources.remittance(payment, provider) : undefined;
  if (told === undefined) return { ...meant, transfer: undefined };
  const { value: trace = '' } = (told.resource['paymentIdentifier'] ?? {}) as { value?: string };
  return { ...meant, transfer: { trace, day: String(told.resource['paymentDate']) } };
}

export const claimStatus = questionRoutes({
  path: '/x12/276',
  kinds: ['provider', 'payer'],
  roles: ['system', 'adjudicator'],
  summary: 'How claims stand: an X12 276 (005010X212) is answered by a 277.',
  answer: { group: 'HN', type: '277', version: '005010X212' },
  ask: statuses,
});
