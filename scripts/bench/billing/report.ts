/** What a run of a provider's files came to, as text. */
import { table } from '../../table.ts';
import type { Decided, Reconciled } from './reconciled.ts';

const counted = (texts: readonly string[]): [text: string, count: number][] =>
  [...Map.groupBy(texts, (text) => text)]
    .map(([text, { length }]): [string, number] => [text, length])
    .sort(([, one], [, other]) => other - one);

const standing = ({ status, reasons }: Decided): string => [status, reasons.join(', ')].filter(Boolean).join(': ');

/** What passed, why the rest did not, and the rows of the reconciliation by side. */
export function reportOf({ notLoaded, billed, decided: all, sides }: Reconciled): string {
  const rows = (title: string, texts: readonly string[]): string[][] =>
    counted(texts).map(([text, count]) => [`${title} ${text}`, String(count)]);
  const asked = all.filter(({ answered }) => answered !== undefined);
  const notTaken = billed.filter(({ outcome }) => outcome !== 'taken');
  const claims = table([
    ['Claims', String(billed.length)],
    ...rows(
      'not taken:',
      notTaken.map(({ outcome, reason }) => `${outcome}: ${reason}`),
    ),
    ...rows('decided:', all.map(standing)),
    ...rows(
      'decided after the dispense was shown:',
      asked.map(({ answered }) => standing(answered!)),
    ),
  ]);
  const paid = [...sides].flatMap(([side, { rows: reported, differences }]) =>
    reported.map((row) => [
      ...[side, row.status, String(row.payments), String(row.claims)],
      ...[`${(row.units / 100).toFixed(2)} ${row.currency}`, String(differences.length)],
    ]),
  );
  const lost = notLoaded.map(({ type, reason, count }) => `not recorded: ${count} × ${type}: ${reason}`);
  const heading = ['reconciliation', 'status', 'payments', 'claims', 'amount', 'differences'];
  return [...lost, claims, '', table([heading, ...paid])].join('\n');
}
