/** What a provider answers a payer that asks for the dispense of a medicine: Synthea's files have none. */
import type { Party, Resource } from '../../demo/parties.ts';

interface Claim extends Resource {
  prescription?: { reference: string };
  billablePeriod: { start: string };
  item: { sequence: number }[];
}
interface Request extends Resource {
  subject: object;
  requester: object;
}

/** Records that a claim's medicine was handed out on the day billed, by whoever prescribed it, and shows it to the payer. */
export async function dispenseShown(provider: Party, id: string): Promise<void> {
  const claim = await provider.ask<Claim>({ path: `/fhir/R4/Claim/${id}` });
  if (claim.prescription === undefined) return;
  const path = `/fhir/R4/${claim.prescription.reference.split('/_history')[0]}`;
  const { subject, requester, ...request } = await provider.ask<Request>({ path });
  const medication = Object.entries(request).filter(([name]) => name.startsWith('medication'));
  const body = {
    ...{ resourceType: 'MedicationDispense', status: 'completed', subject, ...Object.fromEntries(medication) },
    // It names no prescription: Synthea's state no quantity that a dispense could take from.
    ...{ performer: [{ actor: requester }], whenHandedOver: claim.billablePeriod.start },
  };
  const dispense = await provider.write({ method: 'POST', path: '/fhir/R4/MedicationDispense', body });
  const parameter = [
    { name: 'reason', valueString: 'the dispense' },
    { name: 'record', valueReference: { reference: `MedicationDispense/${dispense.body.id}` } },
    ...claim.item.map(({ sequence }) => ({ name: 'item', valuePositiveInt: sequence })),
  ];
  const attachment = { resourceType: 'Parameters', parameter };
  await provider.write({ method: 'POST', path: `/fhir/R4/Claim/${id}/$submit-attachment`, body: attachment });
}
