/**
 * Modifier extensions of what this system acts on (hl7.org/fhir/R4/extensibility.html#modifierExtension): they can turn what
 * a resource says into its opposite, none is known here, and whoever acts on a resource must refuse those it does not know.
 * Of what is only kept and shown, they are the reader's to heed. One is known: that a line of a request for authorization is
 * taken back (rules/authorizations.ts in the chaincode).
 */
import { errorIssue, type Issue } from '../outcomes.ts';

const ACTED_ON = new Set([
  ...['Claim', 'ClaimResponse', 'Consent', 'Coverage', 'ExplanationOfBenefit'],
  ...['PaymentNotice', 'PaymentReconciliation'],
]);

/** One issue for each modifier extension of a resource that is acted on, at its place. */
export const modifierIssues = (resource: Readonly<Record<string, unknown>>, path: string): Issue[] =>
  ACTED_ON.has(String(resource['resourceType'])) ? issuesIn(resource, path, isRequest(resource)) : [];

const CANCELLED = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/modifierextension-infoCancelled';
const isRequest = ({ resourceType, use }: Readonly<Record<string, unknown>>): boolean =>
  resourceType === 'Claim' && use !== 'claim';
const isOfLine = (path: string): boolean => /\.(?:item|supportingInfo)\[\d+\]$/.test(path);

const isKnown = (extensions: unknown, path: string): boolean =>
  isOfLine(path) &&
  Array.isArray(extensions) &&
  extensions.every((one) => (one as { url?: unknown } | null)?.url === CANCELLED);

function issuesIn(value: unknown, path: string, mayCancel: boolean): Issue[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => issuesIn(one, `${path}[${index}]`, mayCancel));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'modifierExtension' && !(mayCancel && isKnown(member, path))
      ? [errorIssue('extension', 'Modifier extensions are not known here.', `${path}.${name}`)]
      : issuesIn(member, `${path}.${name}`, mayCancel),
  );
}
