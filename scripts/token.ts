/**
 * `npm run -s token -- hospital practitioner [--fhir-user Practitioner/x] [--scope 'patient/*.rs' --patient id] [--minutes n]`: prints a bearer token by the
 * organisation's development issuer, for curl.
 */
import { parseArgs } from 'node:util';
import { ROLES_OF_KIND, type Role } from '@telemed-ledger/consortium/members.ts';
import { dataDirectory, organisations, positive, runCommand, UsageError } from './command-line.ts';
import { bearerToken } from './credentials.ts';

const LONGEST_MINUTES = 60;
const FHIR_USER = /^(Practitioner|Patient|RelatedPerson|Person)\/[A-Za-z0-9.-]{1,64}$/;

function usage(why: string): UsageError {
  const known = organisations().map(({ name, kind }) => `  ${name.padEnd(12)} ${ROLES_OF_KIND[kind].join(', ')}`);
  const call =
    'npm run -s token -- ORGANISATION ROLE [--fhir-user Practitioner/ID] [--scope SCOPES] [--patient ID] [--minutes N]';
  return new UsageError(`${why}\nUsage: ${call}\nOrganisations and their roles:\n${known.join('\n')}`);
}

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ 'fhir-user': { type: 'string' }, scope: { type: 'string' }, patient: { type: 'string' } },
      ...{ minutes: { type: 'string' }, help: { type: 'boolean' } },
    },
  });
  const [name, role, ...more] = positionals;
  if (values.help || name === undefined || role === undefined || more.length > 0) throw usage('Prints a bearer token.');
  const organisation = organisations().find((one) => one.name === name);
  if (organisation === undefined) throw usage(`There is no organisation ${name}.`);
  if (!ROLES_OF_KIND[organisation.kind].includes(role as Role)) throw usage(`${name} has no role ${role}.`);
  const fhirUser = values['fhir-user'];
  if (fhirUser !== undefined && !FHIR_USER.test(fhirUser)) throw usage(`${fhirUser} is no reference to a person.`);
  const minutes = values.minutes === undefined ? undefined : positive('--minutes', values.minutes);
  if (minutes !== undefined && minutes > LONGEST_MINUTES)
    throw usage(`A token lives ${LONGEST_MINUTES} minutes at most.`);
  const token = await bearerToken({
    dataDir: dataDirectory(),
    organisation: name,
    role: role as Role,
    ...(fhirUser === undefined ? {} : { fhirUser }),
    ...(values.scope === undefined ? {} : { scope: values.scope }),
    ...(values.patient === undefined ? {} : { patient: values.patient }),
    ...(minutes === undefined ? {} : { minutes }),
  });
  console.log(token);
  return 0;
});
