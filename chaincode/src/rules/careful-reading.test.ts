/** What records and older consents say in code systems or versions that are not ours: read so that it never permits more. */
import { expect } from 'chai';
import type { Resource } from '../model/fhir.ts';
import { type AccessFacts, evaluateConsents, recordFacts } from './consents.ts';

const clinic: AccessFacts = { organisation: 'clinic', holder: 'hospital', role: 'system', purpose: 'TREAT' };
const OPTIN = { policyRule: { coding: [{ code: 'OPTIN' }] } };
const rule = (provision: object) => ({ ...OPTIN, provision });
const record = (meta: object): Resource => ({ resourceType: 'Observation', id: 'o1', meta });

function outcomeOf(content: object, of: Resource): string {
  const resource = {
    ...{ resourceType: 'Consent' as const, status: 'active', patient: { reference: 'Patient/p1' } },
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    ...content,
  };
  const consent = { id: 'c1', version: 1, status: 'active' as const, resource };
  return evaluateConsents([consent], clinic, recordFacts([of])[0]!, '2026-03-01T12:00:00.000Z').reason;
}

describe('A consent, carefully read,', () => {
  const [yes, no, denied] = ['consent-permits', 'consent-absent', 'consent-denied'];
  const profiles: [wanted: string, claimed: string, permit: string, deny: string][] = [
    ['http://x.example/lipid', 'http://x.example/lipid', yes, denied],
    ['http://x.example/lipid', 'http://x.example/lipid|2.0', yes, denied],
    ['http://x.example/lipid|2.0', 'http://x.example/lipid|2.0', yes, denied],
    ['http://x.example/lipid|2.0', 'http://x.example/lipid', no, denied],
    ['http://x.example/lipid|2.0', 'http://x.example/lipid|1.0', no, yes],
    ['http://x.example/lipid', 'http://x.example/lipids', no, yes],
  ];
  for (const [code, claimed, permit, deny] of profiles)
    it(`names the profile ${code}, and a record claims ${claimed}`, () => {
      const criterion = { class: [{ system: 'urn:ietf:rfc:3986', code }] };
      const of = record({ profile: [claimed] });
      expect(outcomeOf(rule({ type: 'permit', ...criterion }), of)).to.equal(permit);
      expect(outcomeOf(rule({ type: 'deny', ...criterion }), of)).to.equal(deny);
    });

  const labels: [type: string, level: string, label: string, outcome: string][] = [
    ['permit', 'N', 'R', no],
    ['permit', 'R', 'R', yes],
    ['permit', 'U', 'U', no],
    ['deny', 'R', 'V', denied],
    ['permit', 'N', 'PSY', no],
  ];
  for (const system of ['urn:oid:2.16.840.1.113883.5.25', 'http://hospital.example/labels'])
    for (const [type, level, code, outcome] of labels)
      it(`says ${type} ${level}, and a record is labelled ${code} of ${system}`, () => {
        const of = record({ security: [{ system, code }] });
        expect(outcomeOf(rule({ type, securityLabel: [{ code: level }] }), of)).to.equal(outcome);
      });

  for (const [code, outcome] of [
    ['OPTIN', no],
    ['OPTOUT', denied],
  ])
    it(`that says ${code} of another system, taken before such were refused, never permits`, () => {
      expect(outcomeOf({ policyRule: { coding: [{ system: 'urn:x', code }] } }, record({}))).to.equal(outcome);
    });
});
