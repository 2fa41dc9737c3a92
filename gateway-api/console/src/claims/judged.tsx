/** What was billed line by line beside what was decided, and what each rule said with its facts. */
import type { Claim, ClaimResponse } from '@medplum/fhirtypes';
import { useWords } from '../language.ts';
import { conceptOf } from '../parts/fhir-texts.ts';
import { Line, LineTable } from '../parts/line-table.tsx';
import { Empty } from '../parts/states.tsx';
import { totalsIn } from '../parts/totals.ts';
import type { Finding } from './findings.ts';

/** Those of the last step; what is not as usual first, and what passed by its number. */
export function Findings({ of }: { of: readonly Finding[] }) {
  const { t } = useWords();
  const now = of.filter(({ step }) => step === of[0]?.step);
  const [passed, others] = [now.filter(isPassed), now.filter((one) => !isPassed(one))];
  if (now.length === 0) return <Empty>{t('noFindings')}</Empty>;
  return (
    <>
      <ul class="lines">
        {others.map((one) => (
          <FindingLine key={one.rule} finding={one} />
        ))}
      </ul>
      <details>
        <summary>{t('rulesPassed', { count: passed.length })}</summary>
        <ul class="lines">
          {passed.map((one) => (
            <FindingLine key={one.rule} finding={one} />
          ))}
        </ul>
      </details>
    </>
  );
}
const isPassed = ({ outcome }: Finding): boolean => outcome === 'pass';

export function Lines({ claim, response }: { claim: Claim; response: ClaimResponse | undefined }) {
  return (
    <LineTable nameOf={(name) => (name === 'owed' ? 'patientPays' : `total-${name}`)}>
      {claim.item?.map(({ sequence, productOrService, net }) => {
        const decided = response?.item?.find(({ itemSequence }) => itemSequence === sequence);
        return (
          <Line key={sequence} service={conceptOf(productOrService)} totals={{ billed: net, ...totalsIn(decided) }} />
        );
      })}
    </LineTable>
  );
}

/** What stands in a decision beside its amounts. */
export const Notes = ({ of }: { of: ClaimResponse | undefined }) =>
  of?.processNote === undefined ? null : (
    <ul>
      {of.processNote.map(({ number, text }) => (
        <li key={number} dir="auto">
          {text}
        </li>
      ))}
    </ul>
  );

const TAGS = { deny: 'tag bad', signal: 'tag warn', 'not-evaluated': 'tag', pass: 'tag good' } as const;

function FindingLine({ finding }: { finding: Finding }) {
  const { t } = useWords();
  const { rule, version, outcome, facts, isWithheld } = finding;
  return (
    <li>
      <span class="what">
        <code dir="ltr">{rule}</code> <small>{version}</small>
        {facts.length === 0 ? null : (
          <small dir="ltr"> {facts.map(({ name, value }) => `${name}: ${value}`).join(' · ')}</small>
        )}
        {isWithheld ? <small> {t('factsWithheld')}</small> : null}
      </span>
      <span class={TAGS[outcome]}>{t(`finding-${outcome}`)}</span>
    </li>
  );
}
