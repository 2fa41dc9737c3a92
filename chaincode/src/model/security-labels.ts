/**
 * Security labels: how confidential a record is, and what makes it sensitive. Tests hold the tables equal to R4's published
 * code systems (v3-Confidentiality and v3-ActCode, 2018-08-12).
 * @see https://hl7.org/fhir/R4/security-labels.html
 */
import { hierarchyOf, isKindOf } from './hierarchy.ts';

export const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
export const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

/** From the least to the most confidential. */
export const LEVELS: ReadonlyMap<string, string> = new Map([
  ['U', 'unrestricted'],
  ['L', 'low'],
  ['M', 'moderate'],
  ['N', 'normal'],
  ['R', 'restricted'],
  ['V', 'very restricted'],
]);
const ORDER = [...LEVELS.keys()];
/** How confidential a level is, 0 to 5; a code that is none counts as the most confidential. */
export const rankOf = (level: string): number => (LEVELS.has(level) ? ORDER.indexOf(level) : ORDER.length - 1);

/** hl7.org/fhir/R4/v3/InformationSensitivityPolicy/vs.html; codes with an underscore only group. */
export const SENSITIVITIES = hierarchyOf(`
_InformationSensitivityPolicy InformationSensitivityPolicy
  _ActInformationSensitivityPolicy ActInformationSensitivityPolicy
    ETH substance abuse information sensitivity
    GDIS genetic disease information sensitivity
    HIV HIV/AIDS information sensitivity
    MST military sexual trauma information sensitivity
    SCA sickle cell anemia information sensitivity
    SDV sexual assault, abuse, or domestic violence information sensitivity
    SEX sexuality and reproductive health information sensitivity
    SPI specially protected information sensitivity
      BH behavioral health information sensitivity
        COGN cognitive disability information sensitivity
        DVD developmental disability information sensitivity
        EMOTDIS emotional disturbance information sensitivity
      MH mental health information sensitivity
      PSY psychiatry disorder information sensitivity
      PSYTHPN psychotherapy note information sensitivity
      SUD substance use disorder information sensitivity
        ETHUD alcohol use disorder information sensitivity
        OPIOIDUD opioid use disorder information sensitivity
    STD sexually transmitted disease information sensitivity
    TBOO taboo
    VIO violence information sensitivity
    SICKLE sickle cell
  _EntitySensitivityPolicyType EntityInformationSensitivityPolicy
    DEMO all demographic information sensitivity
    DOB date of birth information sensitivity
    GENDER gender and sexual orientation information sensitivity
    LIVARG living arrangement information sensitivity
    MARST marital status information sensitivity
    RACE race information sensitivity
    REL religion information sensitivity
  _RoleInformationSensitivityPolicy RoleInformationSensitivityPolicy
    B business information sensitivity
    EMPL employer information sensitivity
    LOCIS location information sensitivity
    SSP sensitive service provider information sensitivity
  ADOL adolescent information sensitivity
  CEL celebrity information sensitivity
  DIA diagnosis information sensitivity
  DRGIS drug information sensitivity
  EMP employee information sensitivity
  PDS patient default information sensitivity
  PHY physician requested information sensitivity
  PRS patient requested information sensitivity
`);

/** A sensitivity that a record or a consent can state: no group. */
export const isSensitivity = (code: string): boolean => SENSITIVITIES.has(code) && !code.startsWith('_');

/**
 * What IHE counts to a category that R4's code system does not list under it: substance abuse includes the use disorders
 * (profiles.ihe.net/ITI/PCF/ValueSet-AdvancedSecurityTagVS.html). Only denials follow it.
 */
const COUNTED_TO: Readonly<Record<string, readonly string[]>> = { ETH: ['SUD'] };

/** Whether a sensitivity that a consent names covers one that a record is labelled with: itself, and kinds of it. */
export function coversSensitivity(named: string, label: string, denies: boolean): boolean {
  const wide = denies ? (COUNTED_TO[named] ?? []) : [];
  return [named, ...wide].some((one) => isKindOf(SENSITIVITIES, label, one));
}
