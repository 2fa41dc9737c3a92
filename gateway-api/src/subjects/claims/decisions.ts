/** What a person at the payer decides about a claim, as Parameters say it: `decision`, `reason` and by how much less of which `item` is paid. */
import type { HumanDecision } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseMoney } from '@telemed-ledger/chaincode/model/money.ts';

interface Parameter {
  name?: string;
  valueCode?: string;
  valueString?: string;
  valuePositiveInt?: unknown;
  valueMoney?: unknown;
  part?: Parameter[];
}

const OUTCOMES = ['approve', 'deny', 'pend'] as const;
/** The value that each parameter is read from. */
const READ: Record<string, keyof Parameter> = {
  ...{ decision: 'valueCode', reason: 'valueString', item: 'part' },
  ...{ sequence: 'valuePositiveInt', reduction: 'valueMoney' },
};

const invalid = (text: string, at: string): LedgerError => new LedgerError('INVALID', text, at);

/** The one parameter of a name, with the value that it is read from and no other. @throws LedgerError INVALID */
function oneOf(parameters: readonly Parameter[], name: string, at: string): Parameter[keyof Parameter] | undefined {
  const found = parameters.filter((one) => one.name === name);
  if (found.length > 1) throw invalid(`has ${name} twice`, at);
  return found[0] === undefined ? undefined : found[0][READ[name]!];
}

/** @throws LedgerError INVALID where something is there that is not read */
function checkRead(parameters: readonly Parameter[], names: readonly string[], at: string): void {
  for (const [index, parameter] of parameters.entries()) {
    const { name = '' } = parameter;
    const read = names.includes(name) ? READ[name] : undefined;
    if (read === undefined) throw invalid(`is none of ${names.join(', ')}`, `${at}[${index}].name`);
    if (parameter[read] === undefined) throw invalid(`needs ${read}`, `${at}[${index}]`);
  }
}

function reductionOf(part: readonly Parameter[], at: string): { sequence: number; units: number } {
  checkRead(part, ['sequence', 'reduction'], `${at}.part`);
  const sequence = Number(oneOf(part, 'sequence', at));
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw invalid('needs the sequence of an item', `${at}.part`);
  const { units } = parseMoney(oneOf(part, 'reduction', at), `${at}.part.valueMoney`);
  return { sequence, units };
}

/**
 * The decision that a body of `$adjudicate` holds; undefined where the rules alone are to decide.
 * @throws LedgerError INVALID where anything in it is not understood: what nobody reads must not look as if it had been heeded
 */
export function decisionIn(body: Resource | undefined): HumanDecision | undefined {
  if (body === undefined) return undefined;
  if (body.resourceType !== 'Parameters') throw invalid('is no Parameters', body.resourceType);
  const parameters = (body['parameter'] ?? []) as Parameter[];
  if (parameters.length === 0) return undefined;
  const at = 'Parameters.parameter';
  checkRead(parameters, ['decision', 'reason', 'item'], at);
  const outcome = OUTCOMES.find((one) => one === oneOf(parameters, 'decision', at));
  if (outcome === undefined) throw invalid(`needs a decision: ${OUTCOMES.join(', ')}`, at);
  const reason = oneOf(parameters, 'reason', at);
  if (typeof reason !== 'string') throw invalid('needs a reason', at);
  const reductions = parameters.flatMap(({ name, part = [] }, index) =>
    name === 'item' ? [reductionOf(part, `${at}[${index}]`)] : [],
  );
  if (reductions.length > 0 && outcome !== 'approve') throw invalid('reduces what it does not approve', at);
  return { outcome, reason, ...(reductions.length === 0 ? {} : { reductions }) };
}
