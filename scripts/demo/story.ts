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
  { title: 'The regulator licenses the practitioner', run: licensed },
  { title: 'The hospital records a telehealth visit with its results', run: visitRecorded },
  { title: 'The clinic asks for the results and is refused', run: accessRefused },
  { title: 'The patient grants consent', run: consentGranted },
  { title: 'The clinic asks again and reads its delivered copy', run: accessAllowed },
  { title: 'The patient sees both requests in the access log', run: accessLog },
  { title: 'The hospital corrects a result, and the correction reaches the clinic', run: corrected },
  { title: 'The patient lets her daughter act for her', run: delegated },
  { title: 'The clinic asks and waits, and the daughter answers', run: answered },
  { title: "In an emergency the clinic's physician breaks the glass", run: glassBroken },
  { title: 'The regulator reviews it', run: glassReviewed },
  { title: 'The payer shows the hospital the coverage', run: coverageShown },
  { title: 'The hospital submits a claim for the visit', run: claimSubmitted },
  { title: 'The payer adjudicates the claim', run: adjudicated },
  { title: 'A second claim for the same service is caught', run: duplicateCaught },
  { title: 'The bank pays', run: paid },
  { title: 'The hospital sees the remittance', run: remitted },
  { title: 'The patient reads what was decided and paid for her', run: explained },
  { title: 'The hospital billed another visit wrongly and replaces the claim', run: replaced },
  { title: 'A person at the payer asks about a claim, and the hospital answers', run: asked },
  { title: 'The payer denies a claim, the hospital appeals, and another person decides', run: appealed },
  { title: 'The patient takes her record along, and programs that are not ours check it', run: takenAlong },
  { title: 'The patient has that result erased, everywhere', run: erased },
  { title: 'The patient books a consultation at a distance', run: booked },
  { title: 'They meet, and it is finished with a prescription', run: consulted },
  { title: 'The medicine is handed out, and she takes it', run: taken },
  { title: 'Its lot is recalled, and she is told', run: recalled },
  { title: 'One byte of a stored copy is changed on disk, and the change is detected and named', run: changeDetected },
  { title: 'The byte is put back', run: changeUndone },
];

/** Runs the steps in their order; `before` is called with each one's number and title. @throws Unexpected */
export async function tell(
  story: Story,
  narrator: Narrator,
  before: (number: number, step: Step) => void,
): Promise<void> {
  try {
    for (const [index, step] of steps.entries()) {
      before(index + 1, step);
      await step.run(story, narrator);
    }
  } finally {
    story.restore?.();
  }
}
