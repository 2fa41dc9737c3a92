/**
 * Purposes of use: HL7's hierarchy, and which kind of organisation may ask for which. A test holds the table equal to R4's
 * published code system (v3-ActReason, 2018-08-12).
 * @see https://hl7.org/fhir/R4/v3/PurposeOfUse/vs.html
 */
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { hierarchyOf, isKindOf } from './hierarchy.ts';

export const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

export const PURPOSES = hierarchyOf(`
PurposeOfUse purpose of use
  HMARKT healthcare marketing
  HOPERAT healthcare operations
    CAREMGT care management
    DONAT donation
    FRAUD fraud
    GOV government
    HACCRED health accreditation
    HCOMPL health compliance
    HDECD decedent
    HDIRECT directory
    HDM healthcare delivery management
    HLEGAL legal
    HOUTCOMS health outcome measure
    HPRGRP health program reporting
    HQUALIMP health quality improvement
    HSYSADMIN health system administration
      LABELING labeling
      METAMGT metadata management
    MEMADMIN member administration
    MILCDM military command
    PATADMIN patient administration
    PATSFTY patient safety
    PERFMSR performance measure
    RECORDMGT records management
    SYSDEV system development
      HTEST test health data
    TRAIN training
  HPAYMT healthcare payment
    CLMATTCH claim attachment
    COVAUTH coverage authorization
    COVERAGE coverage under policy or program
      ELIGDTRM eligibility determination
      ELIGVER eligibility verification
      ENROLLM enrollment
      MILDCRG military discharge
    REMITADV remittance advice
  HRESCH healthcare research
    BIORCH biomedical research
    CLINTRCH clinical trial research
      CLINTRCHNPC clinical trial research without patient care
      CLINTRCHPC clinical trial research with patient care
      PRECLINTRCH preclinical trial research
    DSRCH disease specific healthcare research
    POARCH population origins or ancestry healthcare research
    TRANSRCH translational healthcare research
  PATRQT patient requested
    FAMRQT family requested
    PWATRNY power of attorney
    SUPNWK support network
  PUBHLTH public health
    DISASTER disaster
    THREAT threat
  TREAT treatment
    CLINTRL clinical trial
    COC coordination of care
    ETREAT Emergency Treatment
      BTG break the glass
      ERTREAT emergency room treatment
    POPHLTH population health
`);

/** Every code of the table, for schemas. */
export const PURPOSE_CODES = [...PURPOSES.keys()] as [string, ...string[]];

/** Break the glass. It is asked for where there is no time for a consent, so only what names it says anything of it. */
export const BREAK_GLASS = 'BTG';

/** Whether a purpose that a consent names covers one that is asked for: itself, and what is a kind of it but for BTG. */
export const coversPurpose = (named: string, asked: string): boolean =>
  named === asked || (asked !== BREAK_GLASS && isKindOf(PURPOSES, asked, named));

/** What each kind of organisation may ask other providers' records for, and the purposes that are kinds of it. */
export const PURPOSES_OF_KIND: Partial<Record<Kind, readonly string[]>> = {
  provider: ['TREAT', 'HPAYMT', 'HOPERAT'],
  payer: ['HPAYMT'],
};

/** The purpose of everything that a kind of organisation reads about people; undefined where there is more than one, or none. */
export function onlyPurposeOf(kind: Kind | undefined): string | undefined {
  const purposes = kind === undefined ? [] : (PURPOSES_OF_KIND[kind] ?? []);
  return purposes.length === 1 ? purposes[0] : undefined;
}

export const mayAskFor = (kind: Kind, purpose: string): boolean =>
  (PURPOSES_OF_KIND[kind] ?? []).some((allowed) => isKindOf(PURPOSES, purpose, allowed));
