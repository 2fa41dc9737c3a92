/** A consent in plain words: who, what, what for, how long. What has more to say than that says so, and is never shortened. */
import type { Consent, ConsentProvision } from '@medplum/fhirtypes';
import type { Key } from '../messages/en.ts';
import { namedBy } from '../parts/fhir-texts.ts';
import type { Words } from '../words.ts';
import { kindsOf } from './draft.ts';

export interface Said {
  /** Whether it lets see or forbids. */
  isPermit: boolean;
  sentence: string;
  exceptions: Said[];
  /** It has criteria that no words here say. */
  hasMore: boolean;
}

const PURPOSES: Readonly<Record<string, Key>> = {
  ...{ TREAT: 'forTreatment', HPAYMT: 'forPayment', HRESCH: 'forResearch', PUBHLTH: 'forPublicHealth' },
  ...{ ETREAT: 'forEmergency', BTG: 'forEmergency', HOPERAT: 'forOperations', PATRQT: 'forMe' },
};
const SAID = new Set(['id', 'type', 'actor', 'class', 'purpose', 'period', 'provision']);
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';

/** Words for types of records: by the choices of a new consent, or as they are called. */
export function typesSaid(types: readonly string[], { t, list, inText }: Words): string {
  if (types.length === 0) return t('everything');
  const { kinds, others } = kindsOf(types);
  return list([...kinds.map((kind) => inText(t(`kind-${kind}`))), ...others]);
}

export const purposeSaid = (code: string, { t }: Words): string => {
  const key = PURPOSES[code];
  return key === undefined ? code : t(key);
};

function provisionSaid(provision: ConsentProvision, isPermit: boolean, words: Words): Said {
  const { actor = [], class: classes = [], purpose = [], period, provision: inner = [] } = provision;
  const { t, list, date } = words;
  const who = actor.length === 0 ? t('anybody') : list(actor.map(({ reference = {} }) => namedBy(reference)));
  const what = typesSaid(
    classes.map(({ code = '' }) => code),
    words,
  );
  const why = purpose.length === 0 ? t('forAnything') : list(purpose.map(({ code = '' }) => purposeSaid(code, words)));
  const until = period?.end === undefined ? t('untilWithdrawn') : t('untilDay', { day: date(period.end) });
  const from = period?.start === undefined ? '' : ` ${t('fromDay', { day: date(period.start) })}`;
  return {
    isPermit,
    sentence: `${t(isPermit ? 'maySee' : 'mayNotSee', { who, what, why, until })}${from}`,
    exceptions: inner.map((one) => provisionSaid(one, one.type === 'permit', words)),
    hasMore:
      Object.keys(provision).some((name) => !SAID.has(name)) || classes.some(({ system }) => system !== RESOURCE_TYPES),
  };
}

/** @returns undefined for what is no consent to disclosure, such as a delegation */
export function consentSaid({ scope, policyRule, provision }: Consent, words: Words): Said | undefined {
  if (scope.coding?.every(({ code }) => code !== 'patient-privacy') ?? true) return undefined;
  const isOptOut = policyRule?.coding?.some(({ code }) => code === 'OPTOUT') === true;
  const hasRoot = provision !== undefined && Object.keys(provision).some((name) => !['id', 'provision'].includes(name));
  if (hasRoot) return provisionSaid(provision, provision.type === 'permit', words);
  const whole = provisionSaid({}, !isOptOut && policyRule !== undefined, words);
  const inner = provision?.provision ?? [];
  return { ...whole, exceptions: inner.map((one) => provisionSaid(one, one.type === 'permit', words)) };
}
