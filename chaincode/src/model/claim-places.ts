/**
 * Where what a claim rests on lies: as it is billed, as it was decided, as the bank is to pay it and has paid it. The state says
 * by which steps these were written, where not by the usual ones.
 */
import { privateKeys, USUAL_STEPS } from './keys.ts';

/** The steps that wrote them; absent: the usual ones. */
export interface ClaimPlaces {
  claim?: number | undefined;
  response?: number | undefined;
  instruction?: number | undefined;
  settlement?: number | undefined;
}

/** The number of the payment that a step of a claim writes. */
const paymentNumber = (step: number): number => step - 2;

/** The keys of what a claim in this state rests on; not all of them need be there. */
export const keysOfClaim = ({ id, claim, response, instruction, settlement }: { id: string } & ClaimPlaces) => ({
  claim: privateKeys.claim(id, claim),
  /** In its place once the evidence is purged. */
  remains: privateKeys.claimRemains(id),
  response: privateKeys.response(id, response),
  instructed: privateKeys.payment(id, paymentNumber(instruction ?? USUAL_STEPS.instruction)),
  settled: privateKeys.payment(id, paymentNumber(settlement ?? USUAL_STEPS.settlement)),
  settlement: privateKeys.settlement(id, settlement),
});

/** What of these a state has to name: those that are not the usual ones. */
export function placesOf(at: ClaimPlaces): ClaimPlaces {
  const isUsual = (name: string, step: number | undefined): boolean =>
    step === undefined || step === USUAL_STEPS[name as keyof ClaimPlaces];
  return Object.fromEntries(Object.entries(at).filter(([name, step]) => !isUsual(name, step)));
}
