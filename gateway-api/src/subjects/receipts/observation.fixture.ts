/** For tests of receipts: a record that its patient sees. */
import { type FixtureConsortium, until } from '../../consortium.fixture.ts';

/** An Observation of the hospital's about a Patient (its id), which is at her own gateway too. @returns its id */
export async function observationOf(consortium: FixtureConsortium, patient: string): Promise<string> {
  const subject = { reference: `Patient/${patient}` };
  const resource = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject };
  const { body } = await consortium.send('hospital', 'POST /fhir/R4/Observation', resource);
  const seen = () => consortium.send(`patients patient Patient/${patient}`, `GET /fhir/R4/Observation/${body.id}`);
  await until(async () => (await seen()).status === 200, 20_000);
  return body.id;
}
