/** For whom a caretaker acts, in what, and until when: what he chooses among before he does anything. */
import { z } from 'zod';
import { personName } from '../../fhir/person-names.ts';
import { route } from '../../http/routes.ts';
import { aboutOf } from '../reads/read-log.ts';
import { DELEGATIONS, delegationsTo } from './delegations.ts';

const delegationSchema = z
  .object({
    patient: z.string().meta({ description: '`Patient/id`, as the header X-Patient takes it.' }),
    name: z.string().meta({ description: 'As her provider has it; empty where that has none.' }),
    acts: z.array(z.string()),
    until: z.string().optional().meta({ description: 'Of what ends first; absent where nothing ends.' }),
  })
  .meta({ id: 'Delegation' });

export const delegations = route({
  method: 'get',
  path: DELEGATIONS,
  kind: 'custodian',
  roles: ['caretaker'],
  summary: 'For whom the caretaker acts who asks, by the delegations that are in force.',
  answers: {
    200: { description: 'Patients.', schema: z.object({ delegations: z.array(delegationSchema) }) },
  },
  async handle({ caller }, { index, readLog }) {
    const held = await delegationsTo(caller.fhirUser ?? '', index);
    const byPatient = [...Map.groupBy(held, ({ patient }) => patient)];
    const shown = await Promise.all(
      byPatient.map(async ([patient, ones]) => {
        const [until] = ones.flatMap(({ end }) => end ?? []).sort();
        const acts = [...new Set(ones.flatMap((one) => one.acts))];
        const name = personName((await index.newest('Patient', patient))?.resource);
        return { patient: `Patient/${patient}`, name, acts, ...(until === undefined ? {} : { until }) };
      }),
    );
    const about = byPatient.flatMap(([patient]) => aboutOf('shown', [{ patient, access: null, id: patient }]));
    await readLog.note(caller, { interaction: 'read', type: 'Patient', about });
    return { body: { delegations: shown } };
  },
});
