/**
 * An ExplanationOfBenefit in the terms of CARIN Blue Button STU 2.0.0 (hl7.org/fhir/us/carin-bb/STU2), which CMS-0057-F recommends. Its
 * profiles ask for what a biller need not say (diagnoses, places, codes of US code systems): a profile is stated where the explanation keeps
 * it. Nothing is made up so that it does.
 */
import { firstDay, lastDay } from '@telemed-ledger/chaincode/model/days.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';

const C4BB = 'http://hl7.org/fhir/us/carin-bb';
const VERSION = '2.0.0';
const HL7 = 'http://terminology.hl7.org/CodeSystem';
const CMS = 'https://www.cms.gov/Medicare';
const TEAM = `${C4BB}/CodeSystem/C4BBClaimCareTeamRole`;
const DIAGNOSIS = `${C4BB}/CodeSystem/C4BBClaimDiagnosisType`;
const INFORMATION = `${C4BB}/CodeSystem/C4BBSupportingInfoType`;
const SUBTYPE = `${C4BB}/CodeSystem/C4BBInstitutionalClaimSubType`;

const ICD = ['http://hl7.org/fhir/sid/icd-10-cm', 'http://terminology.hl7.org/CodeSystem/icd9'];
const PLACES = [`${CMS}/Coding/place-of-service-codes/Place_of_Service_Code_Set`];
const PROCEDURES = ['http://www.ama-assn.org/go/cpt', `${CMS}/Coding/HCPCSReleaseCodeSets`];
const HIPPS = `${CMS}/Medicare-Fee-for-Service-Payment/ProspMedicareFeeSvcPmtGen/HIPPSCodes`;

type Members = Record<string, unknown>;
type Codes = Readonly<Record<string, readonly string[]>>;
interface Coding {
  system?: string;
  code?: string;
}

const membersOf = (value: unknown): Members[] => (Array.isArray(value) ? (value as Members[]) : []);
const codingsOf = (value: unknown): Coding[] =>
  ((value as { coding?: Coding[] } | undefined)?.coding ?? []).filter(({ code }) => code !== undefined);
const hasCode = (value: unknown, codes: Codes): boolean =>
  codingsOf(value).some(({ system = '', code = '' }) => codes[system]?.includes(code) === true);
const isOf = (value: unknown, systems: readonly string[]): boolean =>
  codingsOf(value).some(({ system = '' }) => systems.includes(system));

/** A concept of CARIN's own. */
export const carinCode = (system: string, code: string): { coding: Coding[] } => ({
  coding: [{ system: `${C4BB}/CodeSystem/${system}`, code }],
});

interface Kind {
  profile: string;
  /** Roles of the care team, and what somebody is who is there alone without one. */
  roles: Codes;
  role?: Coding;
  /** What the first diagnosis is, and the others, where the claim does not say it. */
  diagnoses: Codes;
  others: string;
  /** The status of payment stands at the claim, or at each line. */
  isOfClaim: boolean;
  /** Every line is of one day. */
  isOfDay: boolean;
  /** Of each line all reasons, or one. */
  allReasons: boolean;
  asks: (explanation: Members) => boolean;
}

const PRINCIPAL: Codes = { [`${HL7}/ex-diagnosistype`]: ['principal'] };
const PRIMARY = { [`${HL7}/claimcareteamrole`]: ['primary'] };

const itemsOf = (explanation: Members): Members[] => membersOf(explanation['item']);
const areDiagnosed = ({ diagnosis }: Members): boolean =>
  membersOf(diagnosis).length > 0 && membersOf(diagnosis).every((one) => isOf(one['diagnosisCodeableConcept'], ICD));
/** The information of a category of CARIN's. */
const ofCategory = ({ supportingInfo }: Members, category: string): Members[] =>
  membersOf(supportingInfo).filter(({ category: own }) => hasCode(own, { [INFORMATION]: [category] }));

const NUBC = 'https://www.nubc.org/CodeSystem';
/** What information of a category has: an element, or a code of one of these systems. Of one that is not here no profile is stated. */
const INFORMED: Readonly<Record<string, string | readonly string[]>> = {
  ...{ clmrecvddate: 'timingDate', admissionperiod: 'timingPeriod', servicefacility: 'valueReference' },
  ...{ medicalrecordnumber: 'valueString', patientaccountnumber: 'valueString' },
  ...{ dayssupply: 'valueQuantity', refillnum: 'valueQuantity', refillsauthorized: 'valueQuantity' },
  ...{ typeofbill: [`${NUBC}/TypeOfBill`], admtype: [`${NUBC}/PriorityTypeOfAdmitOrVisit`] },
  pointoforigin: [`${NUBC}/PointOfOrigin`, `${NUBC}/PointOfOriginNewborn`],
  'discharge-status': [`${NUBC}/PatDischargeStatus`],
  drg: [`${CMS}/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software`],
  dawcode: [`${HL7}/NCPDPDispensedAsWrittenOrProductSelectionCode`],
  brandgenericindicator: [`${HL7}/NCPDPBrandGenericIndicator`],
  rxorigincode: [`${HL7}/NCPDPPrescriptionOriginCode`],
  compoundcode: [`${HL7}/NCPDPCompoundCode`],
};

function isInformation(one: Members): boolean {
  const categories = codingsOf(one['category']).filter(({ system }) => system === INFORMATION);
  return categories.every(({ code = '' }) => {
    const has = INFORMED[code] ?? [];
    return typeof has === 'string' ? one[has] !== undefined : isOf(one['code'], has);
  });
}

/** Each category once at most, of these each once. */
const areInformed = (explanation: Members, ...required: string[]): boolean =>
  membersOf(explanation['supportingInfo']).every(isInformation) &&
  Object.keys(INFORMED).every((category) => {
    const { length } = ofCategory(explanation, category);
    return length === 1 || (length === 0 && !required.includes(category));
  });

const PROFESSIONAL: Kind = {
  profile: 'Professional-NonClinician',
  roles: {
    [`${HL7}/claimcareteamrole`]: ['primary', 'supervisor'],
    [TEAM]: ['rendering', 'purchasedservice', 'referring'],
  },
  role: { system: TEAM, code: 'rendering' },
  ...{ diagnoses: { ...PRINCIPAL, [DIAGNOSIS]: ['secondary'] }, others: 'secondary' },
  ...{ isOfClaim: false, isOfDay: false, allReasons: false },
  asks: (explanation) =>
    areDiagnosed(explanation) &&
    areInformed(explanation) &&
    itemsOf(explanation).every(
      (item) => isOf(item['productOrService'], PROCEDURES) && isOf(item['locationCodeableConcept'], PLACES),
    ),
};

const institutional = (profile: string, diagnoses: Codes, asks: Kind['asks'], isOfDay: boolean): Kind => ({
  profile: `${profile}-Institutional`,
  roles: { ...PRIMARY, [TEAM]: ['attending', 'referring', 'operating', 'otheroperating'] },
  ...{ diagnoses, others: 'other', isOfClaim: true, isOfDay, allReasons: true },
  asks: (explanation) =>
    areDiagnosed(explanation) &&
    membersOf(explanation['procedure']).every(
      (one) =>
        isOf(one['procedureCodeableConcept'], [`http://www.cms.gov/Medicare/Coding/ICD10`]) &&
        membersOf(one['type']).some((type) => isOf(type, [`${C4BB}/CodeSystem/C4BBClaimProcedureType`])),
    ) &&
    itemsOf(explanation).every((item) => isOf(item['productOrService'], [...PROCEDURES, HIPPS])) &&
    asks(explanation),
});

const OUTPATIENT = institutional(
  'Outpatient',
  { ...PRINCIPAL, [DIAGNOSIS]: ['other', 'externalcauseofinjury', 'patientreasonforvisit'] },
  (explanation) => areInformed(explanation),
  true,
);
const INPATIENT = institutional(
  'Inpatient',
  { [`${HL7}/ex-diagnosistype`]: ['principal', 'admitting'], [DIAGNOSIS]: ['other', 'externalcauseofinjury'] },
  (explanation) =>
    areInformed(explanation, 'admissionperiod') &&
    itemsOf(explanation).every(({ revenue }) => isOf(revenue, ['https://www.nubc.org/CodeSystem/RevenueCodes'])),
  false,
);

const NDC = ['http://hl7.org/fhir/sid/ndc'];
const PHARMACY: Kind = {
  profile: 'Pharmacy',
  roles: { ...PRIMARY, [TEAM]: ['prescribing'] },
  ...{ diagnoses: {}, others: '', isOfClaim: true, isOfDay: true, allReasons: false },
  asks: (explanation) =>
    areInformed(explanation, 'dawcode', 'dayssupply', 'refillnum', 'refillsauthorized') &&
    itemsOf(explanation).every(
      ({ productOrService, detail }) =>
        isOf(productOrService, [...NDC, `${C4BB}/CodeSystem/C4BBCompoundLiteral`]) &&
        membersOf(detail).every((one) => isOf(one['productOrService'], NDC)),
    ),
};

const SUBTYPES: Readonly<Record<string, Kind>> = { inpatient: INPATIENT, outpatient: OUTPATIENT };
const subtypeOf = ({ subType }: Members): string | undefined =>
  codingsOf(subType)
    .map(({ code = '' }) => code)
    .find((code) => SUBTYPES[code] !== undefined);

/** What kind of claim it is; of dental claims a profile says which network a provider is of, which nobody here knows. */
function kindOf(explanation: Members): Kind | undefined {
  const types: Readonly<Record<string, Kind | undefined>> = {
    ...{ professional: PROFESSIONAL, vision: PROFESSIONAL, pharmacy: PHARMACY },
    institutional: SUBTYPES[subtypeOf(explanation) ?? ''],
  };
  const type = codingsOf(explanation['type']).find(({ system }) => system === `${HL7}/claim-type`);
  return types[type?.code ?? ''];
}

/** A denied part is not covered in CARIN's terms. */
function amountOf(decided: Members): Members {
  const isDenied = hasCode(decided['category'], { [`${C4BB}/CodeSystem/C4BBAdjudication`]: ['denialreason'] });
  return isDenied ? { ...decided, category: carinCode('C4BBAdjudication', 'noncovered') } : decided;
}

/** Which network nobody has said: no contract about networks is on the ledger of this claim. */
const PAYMENT_STATUS: Members = {
  category: carinCode('C4BBAdjudicationDiscriminator', 'benefitpaymentstatus'),
  reason: carinCode('C4BBPayerAdjudicationStatus', 'other'),
};

/** Amounts by their categories, each with its reason; then the reason for which less is paid, of several the first. */
function adjudicationOf(all: Members[], allReasons: boolean): Members[] {
  const reasons = all.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
  const said = (allReasons ? reasons : reasons.slice(0, 1)).map((reason) => ({
    category: carinCode('C4BBAdjudicationDiscriminator', 'adjustmentreason'),
    reason,
  }));
  return [...all.map(amountOf), ...said];
}

const dayOf = (item: Members): Members => {
  const { start, end = start } = (item['servicedPeriod'] ?? {}) as { start?: string; end?: string };
  if (start === undefined || end === undefined || firstDay(start) !== lastDay(end)) return item;
  const { servicedPeriod: _, ...rest } = item;
  return { ...rest, servicedDate: firstDay(start) };
};

function itemIn(item: Members, kind: Kind | undefined): Members {
  const own = membersOf(item['adjudication']);
  const adjudication = adjudicationOf(own, kind?.allReasons ?? true);
  const parts = membersOf(item['detail']).map((one) => partIn(one, 'subDetail'));
  return {
    ...(kind?.isOfDay === true ? dayOf(item) : item),
    adjudication: kind?.isOfClaim === true ? adjudication : [...adjudication, PAYMENT_STATUS],
    ...(parts.length === 0 ? {} : { detail: parts }),
  };
}

function partIn(part: Members, inside: string): Members {
  const adjudication = adjudicationOf(membersOf(part['adjudication']), true);
  const parts = membersOf(part[inside]).map((one) => partIn(one, ''));
  return {
    ...part,
    ...(adjudication.length === 0 ? {} : { adjudication }),
    ...(parts.length === 0 ? {} : { [inside]: parts }),
  };
}

/** Somebody who is there alone without a role is who did it. */
function careTeamIn(team: Members[], { role }: Kind): Members[] {
  const [only, second] = team;
  return only === undefined || second !== undefined || only['role'] !== undefined || role === undefined
    ? team
    : [{ ...only, role: { coding: [role] } }];
}

function diagnosisIn(one: Members, isFirst: boolean, { diagnoses, others }: Kind): Members {
  const types = membersOf(one['type']);
  if (types.some((type) => hasCode(type, diagnoses)) || others === '') return one;
  const coding = isFirst
    ? { system: `${HL7}/ex-diagnosistype`, code: 'principal' }
    : { system: DIAGNOSIS, code: others };
  return { ...one, type: [{ coding: [coding, ...types.flatMap(codingsOf)] }] };
}

/** The claim that it takes the place of, as CARIN names it. */
function relatedIn(one: Members): Members {
  const { reference = '' } = (one['claim'] ?? {}) as { reference?: string };
  const isPrior = codingsOf(one['relationship']).some(({ code }) => code === 'prior');
  if (!isPrior || !reference.startsWith('Claim/')) return one;
  return {
    ...one,
    relationship: { coding: [{ system: `${HL7}/ex-relatedclaimrelationship`, code: 'prior' }] },
    reference: { value: reference.slice('Claim/'.length) },
  };
}

function inTermsOf(explanation: Members, kind: Kind): Members {
  const { careTeam, diagnosis, related } = explanation;
  const first = Math.min(...membersOf(diagnosis).map(({ sequence }) => Number(sequence)));
  const subtype = subtypeOf(explanation);
  return {
    ...explanation,
    ...(subtype === undefined ? {} : { subType: { coding: [{ system: SUBTYPE, code: subtype }] } }),
    ...(related === undefined ? {} : { related: membersOf(related).map(relatedIn) }),
    ...(careTeam === undefined ? {} : { careTeam: careTeamIn(membersOf(careTeam), kind) }),
    ...(diagnosis === undefined
      ? {}
      : { diagnosis: membersOf(diagnosis).map((one) => diagnosisIn(one, one['sequence'] === first, kind)) }),
    ...(kind.isOfClaim ? { adjudication: [PAYMENT_STATUS] } : {}),
  };
}

/** What each of CARIN's profiles asks for that a claim or its decision may lack. */
function keeps(explanation: Members, kind: Kind): boolean {
  const { careTeam, related, total, billablePeriod, diagnosis } = explanation;
  const items = itemsOf(explanation);
  return (
    billablePeriod !== undefined &&
    membersOf(total).length > 0 &&
    items.every((item) => membersOf(item['adjudication']).some(({ amount }) => amount !== undefined)) &&
    (!kind.isOfDay || items.every(({ servicedDate }) => servicedDate !== undefined)) &&
    membersOf(careTeam).every(({ role }) => hasCode(role, kind.roles)) &&
    membersOf(related).every(({ reference }) => reference !== undefined) &&
    membersOf(diagnosis).every(({ type }) => kind.others === '' || membersOf(type).length === 1) &&
    kind.asks(explanation)
  );
}

/** The explanation in CARIN's terms, stating the profile of its kind where it keeps it. */
export function inCarinTerms(explanation: Resource): Resource {
  const kind = kindOf(explanation);
  const item = itemsOf(explanation).map((one) => itemIn(one, kind));
  const whole = { ...explanation, item };
  if (kind === undefined) return whole;
  const made = inTermsOf(whole, kind) as Resource;
  if (!keeps(made, kind)) return made;
  const profile = [`${C4BB}/StructureDefinition/C4BB-ExplanationOfBenefit-${kind.profile}|${VERSION}`];
  return { ...made, meta: { ...(made['meta'] as object), profile } };
}
