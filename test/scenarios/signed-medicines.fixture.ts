/** What regulators publish of medicines, and a prescription of a controlled substance that is signed, each sent once. */
import { randomUUID } from 'node:crypto';
import type { Parties } from '@telemed-ledger/scripts/demo/parties.ts';

export async function publishAndSign(parties: Parties): Promise<void> {
  const regulator = parties.of('regulator', 'auditor');
  const product = { system: 'urn:example:product', code: randomUUID() };
  const lots = [{ number: 'A1', expiry: '2099-01-01' }];
  await regulator.write({ method: 'POST', path: '/lots', body: { product, lots } });
  const substance = { system: 'urn:example:substance', code: randomUUID() };
  await regulator.write({ method: 'PUT', path: '/controlled-substances', body: { substances: [substance] } });
  const body = { product, lots: ['A1'], reason: 'Tried.', status: 'active' };
  await regulator.write({ method: 'PUT', path: `/recalls/${randomUUID()}`, body });
  const hospital = parties.of('hospital', 'system');
  const made = async (body: Record<string, unknown> & { resourceType: string }) =>
    `${body.resourceType}/${(await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id}`;
  const practitioner = await made({ resourceType: 'Practitioner' });
  const licence = { status: 'active', start: '2020-01-01', end: '2099-01-01' };
  const practitioners = [{ organisation: 'hospital', practitioner }];
  const path = `/licences/${randomUUID().slice(0, 8)}`;
  await regulator.write({ method: 'PUT', path, body: { ...licence, practitioners } });
  await hospital.find<{ practitioners?: object[] }>({ path }, 'the licence', (one) => one.practitioners !== undefined);
  const prescription = await made({
    ...{
      resourceType: 'MedicationRequest',
      status: 'active',
      intent: 'order',
      requester: { reference: practitioner },
    },
    ...{ subject: { reference: await made({ resourceType: 'Patient' }) } },
    medicationCodeableConcept: { coding: [substance] },
  });
  const prescriber = parties.of('hospital', 'practitioner', practitioner);
  await prescriber.write({ method: 'POST', path: `/fhir/R4/${prescription}/$sign` });
}
