/**
 * The story of one patient across the consortium, as a list of steps. Each step does one thing through the gateways
 * and checks that it turned out as expected; `npm run demo` prints them and the end-to-end tests run the same ones.
 */
import { accessAllowed, accessLog, accessRefused, consentGranted } from './access.ts';
import { answered, delegated } from './caretakers.ts';
import { adjudicated, claimSubmitted, coverageShown, duplicateCaught, paid, remitted } from './claims.ts';
import { booked, consulted, recalled, taken } from './consultation.ts';
import { glassBroken, glassReviewed } from './emergencies.ts';
import { appealed, asked, explained, replaced } from './put-right.ts';
import { corrected, erased } from './rights.ts';
import type { Narrator, Step, Story } from './step.ts';
import { takenAlong } from './taken-along.ts';
import { changeDetected, changeUndone } from './tampering.ts';
import { licensed, visitRecorded } from './visits.ts';

export const steps: readonly Step[] = [
  {
    title: 'The regulator licenses the practitioner',
    run: licensed,
    page: { at: 'regulator', as: 'auditor', page: 'Licences', button: 'It is found by its number, and changed there.' },
  },
  { title: 'The hospital records a telehealth visit with its results', run: visitRecorded },
  {
    title: 'The clinic asks for the results and is refused',
    run: accessRefused,
    page: {
      at: 'hospital',
      as: 'practitioner',
      page: 'Records of others',
      button: 'Whoever wants records of another member asks by “Ask for records”.',
    },
  },
  {
    title: 'The patient grants consent',
    run: consentGranted,
    page: {
      at: 'patients',
      as: 'patient',
      page: 'My consents',
      button: '“Give a consent” does it in three steps, with a look at who could see what.',
    },
  },
  { title: 'The clinic asks again and reads its delivered copy', run: accessAllowed },
  {
    title: 'The patient sees both requests in the access log',
    run: accessLog,
    page: { at: 'patients', as: 'patient', page: 'Who saw what', button: 'Both requests stand there as sentences.' },
  },
  {
    title: 'The hospital corrects a result, and the correction reaches the clinic',
    run: corrected,
    page: { at: 'patients', as: 'patient', page: 'My health', button: 'The result is the corrected one.' },
  },
  {
    title: 'The patient lets her daughter act for her',
    run: delegated,
    page: {
      at: 'patients',
      as: 'patient',
      page: 'My consents',
      button: 'It is listed among those in force; “Withdraw” ends it.',
    },
  },
  { title: 'The clinic asks and waits, and the daughter answers', run: answered },
  {
    title: "In an emergency the clinic's physician breaks the glass",
    run: glassBroken,
    page: {
      at: 'patients',
      as: 'patient',
      page: 'Who saw what',
      button: 'The emergency stands there with its reason.',
    },
  },
  {
    title: 'The regulator reviews it',
    run: glassReviewed,
    page: { at: 'regulator', as: 'auditor', page: 'Emergencies', button: 'The next one that is open is closed there.' },
  },
  { title: 'The payer shows the hospital the coverage', run: coverageShown },
  { title: 'The hospital submits a claim for the visit', run: claimSubmitted },
  {
    title: 'The payer adjudicates the claim',
    run: adjudicated,
    page: {
      at: 'payer',
      as: 'adjudicator',
      page: 'Claims',
      button: 'The claim opens with its decision, line by line.',
    },
  },
  {
    title: 'A second claim for the same service is caught',
    run: duplicateCaught,
    page: { at: 'payer', as: 'adjudicator', page: 'Claims', button: 'The denied claim names the rule that found it.' },
  },
  {
    title: 'The bank pays',
    run: paid,
    page: { at: 'bank', as: 'settlement', page: 'Payments', button: 'One that waits has “Accept” and “Reject”.' },
  },
  { title: 'The hospital sees the remittance', run: remitted },
  {
    title: 'The patient reads what was decided and paid for her',
    run: explained,
    page: { at: 'patients', as: 'patient', page: 'My bills', button: 'What was billed, allowed and paid.' },
  },
  { title: 'The hospital billed another visit wrongly and replaces the claim', run: replaced },
  { title: 'A person at the payer asks about a claim, and the hospital answers', run: asked },
  {
    title: 'The payer denies a claim, the hospital appeals, and another person decides',
    run: appealed,
    page: {
      at: 'hospital',
      as: 'practitioner',
      page: 'Billing',
      button: 'A denial says what would mend it, and can be appealed.',
    },
  },
  { title: 'The patient takes her record along, and programs that are not ours check it', run: takenAlong },
  {
    title: 'The patient has that result erased, everywhere',
    run: erased,
    page: { at: 'patients', as: 'patient', page: 'My health', button: 'The result is not there any more.' },
  },
  {
    title: 'The patient books a consultation at a distance',
    run: booked,
    page: {
      at: 'patients',
      as: 'patient',
      page: 'Appointments',
      button: 'The next one is booked, moved or cancelled there.',
    },
  },
  {
    title: 'They meet, and it is finished with a prescription',
    run: consulted,
    page: {
      at: 'hospital',
      as: 'practitioner',
      page: 'Today',
      button: 'A visit is begun, written and finished there.',
    },
  },
  {
    title: 'The medicine is handed out, and she takes it',
    run: taken,
    page: { at: 'patients', as: 'patient', page: 'Medication today', button: '“I took it now” notes the next one.' },
  },
  {
    title: 'Its lot is recalled, and she is told',
    run: recalled,
    page: { at: 'regulator', as: 'auditor', page: 'Recalls', button: 'How many were reached, and nobody’s name.' },
  },
  { title: 'One byte of a stored copy is changed on disk, and the change is detected and named', run: changeDetected },
  { title: 'The byte is put back', run: changeUndone },
];

/** Runs the steps in their order; `before` is called with each one's number and title, `after` when it is done. @throws Unexpected */
export async function tell(
  story: Story,
  narrator: Narrator,
  before: (number: number, step: Step) => void,
  after?: (step: Step) => Promise<void>,
): Promise<void> {
  try {
    for (const [index, step] of steps.entries()) {
      before(index + 1, step);
      await step.run(story, narrator);
      await after?.(step);
    }
  } finally {
    story.restore?.();
  }
}
