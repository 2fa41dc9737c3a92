/** A failure: what happened, what was and was not saved, and what to do. */
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import type { Problem, ProblemKind } from '../problem.ts';

const WHAT: Record<ProblemKind, Key> = {
  ...{ offline: 'failedOffline', slow: 'failedSlow', 'signed-out': 'failedSignedOut', refused: 'failedRefused' },
  ...{
    invalid: 'failedInvalid',
    gone: 'failedGone',
    changed: 'failedChanged',
    busy: 'failedBusy',
    broken: 'failedBroken',
  },
};

/** Rules that whoever is refused by them can do something about. */
const RULES: Readonly<Record<string, Key>> = {
  ...{ 'slot-taken': 'ruleSlotTaken', 'practitioner-taken': 'ruleSlotTaken', 'slot-not-free': 'ruleSlotNotFree' },
  ...{ 'patient-taken': 'rulePatientTaken', 'slot-of-the-past': 'ruleSlotPast', 'other-time': 'ruleSlotNotFree' },
  ...{ 'no-telehealth-consent': 'ruleNoTelehealth', 'hard-stop': 'ruleHardStop', 'no-reason': 'ruleNoReason' },
  ...{ 'not-open': 'ruleNotOpen', 'not-participant': 'ruleNotParticipant', 'not-next-step': 'ruleNotNextStep' },
};

/** What happened, in words for whoever reads it. */
const happened = ({ kind, rule = '', message }: Problem): Key =>
  (message.startsWith('this is not delegated') ? 'notDelegated' : RULES[rule]) ??
  (rule.startsWith('licence-') ? 'ruleLicence' : WHAT[kind]);

export interface FailureProps {
  problem: Problem;
  /** Something was to be written. */
  isWrite?: boolean;
  again?: () => void;
}

export function Failure({ problem, isWrite = false, again }: FailureProps) {
  const { t } = useWords();
  const { message, place, requestId, isNothingSaved } = problem;
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{t(happened(problem))}</strong>
      </p>
      {isWrite ? <p>{t(isNothingSaved ? 'nothingSaved' : 'maybeSaved')}</p> : null}
      {message === '' ? null : (
        <details>
          <summary>{t('details')}</summary>
          <p dir="auto">{place === undefined ? message : `${place}: ${message}`}</p>
          {requestId === undefined ? null : <p>{t('requestId', { id: requestId })}</p>}
        </details>
      )}
      {again === undefined ? null : (
        <button type="button" onClick={again}>
          {t('tryAgain')}
        </button>
      )}
    </div>
  );
}
