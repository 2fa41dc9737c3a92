/**
 * What the facts of findings tell of whom: of the claim and of the payer's own tables and limits, or of the patient, as her records have it.
 * Each name that a finding has is in one of both.
 */

/** What the claim says itself, what the payer loaded, and what is counted over claims. */
export const FACTS_OF_CLAIMS: readonly string[] = (
  'item detail subDetail line patient service record objection shown coverage order status first last until from ' +
  'currency currencies net computed total sum payee billed code with claim units perLine perDay day year tables ' +
  'crosswalk required place modifier modifiers allowed minYears maxYears sex practitioner prescription visit days ' +
  'limit visits claims elsewhere evaluations highest percent lines mean peers alike'
).split(' ');

/** What her records say. */
export const FACTS_OF_RECORDS: readonly string[] =
  'recorded dispensed minutes birthDate deceasedDateTime deceasedBoolean recordedAt years gender'.split(' ');
