/** One claim: what is billed line by line beside what was decided, each rule with its outcome and facts, and the decision by the rules. */
import type { Claim, ClaimResponse, Parameters } from '@medplum/fhirtypes';
import { useCallback } from 'preact/hooks';
import { ask, fhirPath, search } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { conceptOf } from '../parts/fhir-texts.ts';
import { Line, LineTable } from '../parts/line-table.tsx';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { totalsIn } from '../parts/totals.ts';
import { type Finding, findingsIn } from './findings.ts';
import { billedSaid, type QueuedClaim } from './queued.ts';

interface Whole {
  claim: Claim;
  response: ClaimResponse | undefined;
  findings: Finding[];
}

async function whole(id: string, signal: AbortSignal): Promise<Whole> {
  const [claim, responses, findings] = await Promise.all([
    ask<Claim>({ path: fhirPath(`Claim/${id}`), signal }),
    search<ClaimResponse>(`ClaimResponse?request=Claim/${id}`, signal),
    ask<Parameters>({ path: fhirPath(`Claim/${id}/$findings`), signal }),
  ]);
  return {
    claim: claim.body,
    response: responses.found[0],
    findings: findingsIn(findings.body.parameter ?? []),
  };
}

export function ClaimView({ claim, onLeave }: { claim: QueuedClaim; onLeave(): void }) {
  const words = useWords();
  const { t } = words;
  const { id } = claim;
  const load = useCallback((signal: AbortSignal) => whole(id, signal), [id]);
  const loaded = useLoaded(load);
  const doing = useDoing();
  const decide = (): void =>
    doing.run(async (key) => {
      const headers = { 'Idempotency-Key': key };
      await ask({ method: 'POST', path: fhirPath(`Claim/${id}/$adjudicate`), headers });
      loaded.again();
    });
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('backToClaims')}
        </button>
      </p>
      <h2>
        {billedSaid(claim, words)} · <bdi>{claim.provider}</bdi>
      </h2>
      <WhenLoaded of={loaded}>
        {({ claim: billed, response, findings }) => (
          <>
            <div role="status">
              {response === undefined ? (
                <p class="notice">{t('notDecided')}</p>
              ) : (
                <p class="notice good" dir="auto">
                  {t('decidedAs')} <strong>{response.disposition ?? response.outcome}</strong>
                </p>
              )}
            </div>
            <Lines claim={billed} response={response} />
            {response === undefined ? (
              <>
                <p class="soft">{t('decideLead')}</p>
                <p class="actions">
                  <button type="button" class="main" onClick={decide} disabled={doing.isBusy}>
                    {t(doing.isBusy ? 'working' : 'decide')}
                  </button>
                </p>
              </>
            ) : null}
            {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={decide} />}
            <h2>{t('findings')}</h2>
            <Findings of={findings} />
          </>
        )}
      </WhenLoaded>
    </>
  );
}

/** Those of the last step; what is not as usual first, and what passed by its number. */
function Findings({ of }: { of: readonly Finding[] }) {
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

function Lines({ claim, response }: { claim: Claim; response: ClaimResponse | undefined }) {
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
