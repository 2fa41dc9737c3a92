/**
 * Why a consent is not taken: it could be read in two ways, or it says what nobody here could keep. Each says how to write
 * what was meant. Texts hold nothing of the consent itself.
 */

import {
  ACTOR_ROLE_CODES,
  CARETAKER_ACT_SYSTEM,
  CARETAKER_ACTS,
  DATA_MEANINGS,
  DECIDED_ACTIONS,
  DELEGATION,
  DELEGATION_SCOPES,
  POLICY_RULES,
  SCOPE_CODES,
  SCOPES,
} from './consent-codes.ts';
import { SIGNATURE_EXTENSION } from './consent-signature.ts';
import { ACTS_OF_CUSTODIAN } from './related-persons.ts';

const list = (codes: readonly string[]): string => codes.join(', ');

/** Each as a patient and a programmer read it, in English; other languages are further tables of the same members. */
export const CONSENT_REFUSALS = {
  'modifier-extension':
    'A modifierExtension changes the meaning of what it stands in, and none is known here. Leave it out, and say in provisions what it says.',
  'implicit-rules': 'implicitRules change the meaning of a consent, and none are known here. Leave them out.',
  'scope-not-one':
    'This names several scopes. A consent to disclosure is of scope patient-privacy alone; give others as consents of their own.',
  'scope-unknown': `The scope of a consent is one of ${SCOPES}: ${list(SCOPE_CODES)} (or ${DELEGATION} of ${DELEGATION_SCOPES}), with its system. Nobody could keep to another one.`,
  'policy-rule-not-one': 'This opts in and opts out at the same time. Write OPTIN or OPTOUT, not both.',
  'policy-rule-unknown': `Of HL7's consent directives only ${list(Object.keys(POLICY_RULES))} are kept here. Write one of them, or none and say everything in the provision.`,
  'policy-rule-words':
    'A rule in words alone is none that anybody here could keep. Write OPTIN or OPTOUT as its code, or leave it out and say everything in the provision.',
  'category-disagrees':
    'One of the categories is a directive, and the rule and the provisions do not say the same, so this can be read in two ways. Leave that category out, or have policyRule (OPTIN, OPTOUT) or the purposes of the provisions (EMRGONLY) say so.',
  unverified:
    'This says that it was not verified with the patient or whoever may speak for her. Give it once it is, or leave verification out where nothing is to be verified.',
  'unknown-type': 'The type of a provision is permit or deny.',
  'root-without-type':
    'This provision names whom or what it is about and has no type, so it can be read in two ways: as all that is permitted (then write type permit here), or as what is denied (then write type deny here).',
  'nested-without-type':
    'A provision inside another is an exception to it and needs its type: write permit for what is permitted, deny for what is denied.',
  'nested-permit':
    'A permission inside a permission can be read in two ways: only this is permitted (then write these criteria on the outer provision), or this is permitted as well (then give a consent of its own for it).',
  'nested-cancels':
    'This exception covers everything that the outer provision says, so nothing is left of it. Either leave the outer provision out, or name in this one what it takes away.',
  'nested-beyond':
    'A provision inside another is an exception within it, and this lies outside of what the outer one names, so it would say nothing. Name it in the outer provision as well, or give a consent of its own for it.',
  'unknown-criterion': 'This element is not known here, so nobody could keep to it. Leave it out.',
  'unread-element':
    'This says of an element only that it is missing or extended, so that it has no value to keep to. Give it one, or leave it out.',
  'empty-criterion': 'This criterion has no content, so nothing could meet it. Fill it in, or leave it out.',
  'period-no-date': 'This is no date or time of FHIR.',
  'period-inverted': 'This period ends before it begins.',
  'unknown-purpose':
    "This is no purpose of HL7's PurposeOfUse (http://terminology.hl7.org/CodeSystem/v3-ActReason), so no request could be held against it.",
  'unknown-class':
    'This class of information is not known here. A class is a resource type of R4, a LOINC code of a document, a media type (urn:ietf:bcp:13), a profile (urn:ietf:rfc:3986), or a category of observations or conditions.',
  'unknown-action': 'This is no action of http://terminology.hl7.org/CodeSystem/consentaction.',
  'action-not-decided': `Only ${list(DECIDED_ACTIONS)} are decided here: no record says what is done with it afterwards, so other actions alone could not be kept. Name one of these as well, or leave action out.`,
  'unknown-label':
    "This is no security label that is kept here: a level of v3-Confidentiality (U, L, M, N, R, V) or a sensitivity of v3-ActCode's InformationSensitivityPolicy.",
  'mixed-labels':
    'Levels of confidentiality and sensitivities in one provision can be read in two ways: both must fit (then name the sensitivity here, and the levels that are left out in a provision of the other type inside), or one is enough (then write two provisions, or two consents).',
  'code-without-coding': 'A code is found in records by its coding; a text alone is not. Write a coding.',
  'unknown-role': `This role has no meaning here. Roles of actors are ${list(ACTOR_ROLE_CODES)}; who authored data is named by data with meaning authoredby.`,
  'actor-nobody':
    'This names nobody. Name an organisation or a practitioner by reference or identifier, or one of the roles practitioner, system and caretaker.',
  'actor-display':
    'A name alone may be several people. Name the organisation or practitioner by reference or identifier; the directory of this server has them.',
  'actor-unsupported':
    'Nobody asks for records as this. An actor is an organisation, a practitioner, a practitioner role, or a related person.',
  'actor-disagrees': 'The reference, its type and the identifier name different ones. Write one of them.',
  'unknown-organisation':
    'This organisation is not in the consortium; the directory of this server lists those that are.',
  'organisation-elsewhere':
    'This is an organisation of another server, which may be another one than ours of that name. Write Organization/<name>, or its identifier, as the directory of this server has them.',
  'unknown-practitioner':
    'No organisation of the consortium has recorded this practitioner. The directory of this server lists those who are; one of another organisation may also be written in full, as https://telemed-ledger.example/organisations/<organisation>/Practitioner/<id>.',
  'custodian-elsewhere':
    'An actor of role CST is whose data it is, and this consent governs the data of another organisation. For who may see the data write role PRCP.',
  'unknown-meaning': `The meaning of data is one of ${list(DATA_MEANINGS)}.`,
  'data-reference':
    'Data is found by a reference to a record of this patient (Type/id), or to its author; an identifier, a name, a version or another server is not, and only people, organisations and devices author anything. Write the reference.',
  'delegation-form':
    'A delegation has one provision of type permit with its actors, its actions and a period, and nothing else: whoever acts for a patient acts in all of her record here. For a part of it give a consent of scope patient-privacy.',
  'delegation-actor':
    'A delegation names who acts by reference, RelatedPerson/<id> or Person/<id>, as their token has it. Organisations and practitioners are not caretakers.',
  'delegation-unrecorded':
    'A patient without a key of her own is acted for by those whom two organisations name: a RelatedPerson of this patient that the provider of these data has recorded, current and active, as her parent, guardian or attorney or, where she has said so there, as DELEGATEE of http://terminology.hl7.org/CodeSystem/v3-RoleCode; or of another patient with an identifier in common. Have it recorded there, or sign this with a key of hers.',
  'delegation-beyond': `For a patient without a key of her own this lets somebody do more than the provider of these data has recorded. A RelatedPerson says it among its relationships, by codes of ${CARETAKER_ACT_SYSTEM}; where none is there, a parent, guardian or attorney may be let do everything, and a DELEGATEE ${list(ACTS_OF_CUSTODIAN)}. Have it recorded there, leave the act out, or sign this with a key of hers.`,
  'delegation-action': `What a caretaker may do is said by codes of ${CARETAKER_ACT_SYSTEM}: ${list(CARETAKER_ACTS)}. Name at least one, and no other.`,
  'signature-missing': `This patient has a key of her own, so a consent in her name takes her signature, in an extension ${SIGNATURE_EXTENSION}. Nobody gives or changes one in her place, but a caretaker by a delegation of hers that names his key; anybody who acts for her may revoke it.`,
  'signature-not-taken':
    'No key of this patient is in force at this provider, so nobody could check this signature. Leave it out, or enrol a key first.',
  'signature-form': `A consent bears one patient’s signature: a valueSignature whose who is its patient, or the caretaker in whose name it is, with sigFormat application/jose and as data a detached JWS of alg ES256 whose protected header has alg, kid, typ, consent, version and provider alone, and of a caretaker delegation.`,
  'signature-numbers':
    'A number in a signed consent is written as RFC 8785 writes it, so that every program signs the same text.',
  'signature-elsewhere':
    'This was signed for another consent, version, provider or patient. What is signed once counts once, there alone.',
  'signature-time':
    'This was signed too long ago, or its time lies ahead. A signature is taken within seven days; sign it anew.',
  'signature-key': 'This is not signed by the key of this patient that is in force at this provider.',
  'signature-delegation':
    'This is signed by a caretaker. It takes a delegation in force that the patient has signed with her own key, that lets him answer, and that names his key; and he delegates nothing himself.',
  'signature-wrong': 'The signature does not fit this consent: what was signed is another text.',
} as const;

export type ConsentRefusal = keyof typeof CONSENT_REFUSALS;

/** Why a consent is not taken, and where. */
export interface Doubt {
  rule: ConsentRefusal;
  /** FHIRPath, beginning with `Consent`. */
  expression: string;
}
