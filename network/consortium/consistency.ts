/**
 * What must hold across the entries of consortium.yaml: unique names and ports, the right number of each kind,
 * references to organisations that exist, enough orderers. Looks at whatever of the document can be understood, so
 * that one wrong entry does not hide the others' mistakes.
 */

/** A mistake by its path in the document. */
export interface Mistake {
  path: readonly (string | number)[];
  message: string;
}

/** The embedded orderer's own organisation. */
export const ORDERER_MSP = 'OrdererMSP';

const REQUIRED_KINDS = ['provider', 'payer', 'bank', 'regulator'];

/** `document` is the parsed YAML, of any shape. */
export function inconsistencies(document: unknown): Mistake[] {
  const organisations = entriesOf(fieldOf(document, 'organisations'));
  const names = new Set(organisations.flatMap((entry) => textOf(entry, 'name')));
  const orderers = entriesOf(fieldOf(fieldOf(document, 'ordering'), 'orderers'));
  return [
    ...repeated(organisations, ['organisations'], 'name'),
    ...repeated(organisations, ['organisations'], 'mspId'),
    ...repeated(orderers, ['ordering', 'orderers'], 'name'),
    ...reservedMspIds(organisations),
    ...repeatedPorts(organisations, orderers),
    ...kindMistakes(organisations),
    ...endorsementMistakes(fieldOf(fieldOf(document, 'policies'), 'endorsement'), names),
    ...ordererMistakes(document, orderers, names),
    ...batchMistakes(fieldOf(fieldOf(document, 'ordering'), 'batch')),
  ];
}

function repeated(entries: unknown[], path: string[], field: string): Mistake[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index) =>
    textOf(entry, field).flatMap((value) => {
      const isRepeated = seen.has(value.toLowerCase());
      seen.add(value.toLowerCase());
      return isRepeated ? [{ path: [...path, index, field], message: `${value} is already used above` }] : [];
    }),
  );
}

function reservedMspIds(organisations: unknown[]): Mistake[] {
  return organisations.flatMap((entry, index) =>
    textOf(entry, 'mspId').includes(ORDERER_MSP)
      ? [{ path: ['organisations', index, 'mspId'], message: `${ORDERER_MSP} is reserved for the embedded orderer` }]
      : [],
  );
}

function repeatedPorts(organisations: unknown[], orderers: unknown[]): Mistake[] {
  const places = [
    ...organisations.flatMap((entry, index) =>
      ['gatewayPort', 'peerPort'].map((field) => ({
        path: ['organisations', index, field],
        port: fieldOf(entry, field),
        host: fieldOf(entry, 'host'),
      })),
    ),
    ...orderers.map((entry, index) => ({
      path: ['ordering', 'orderers', index, 'port'],
      port: fieldOf(entry, 'port'),
      host: fieldOf(entry, 'host'),
    })),
  ];
  const seen = new Set<string>();
  return places.flatMap(({ path, port, host }) => {
    if (typeof port !== 'number') return [];
    const place = `${String(host ?? '')}:${port}`;
    const isRepeated = seen.has(place);
    seen.add(place);
    return isRepeated ? [{ path, message: `port ${port} is already used above` }] : [];
  });
}

function kindMistakes(organisations: unknown[]): Mistake[] {
  const kinds = organisations.flatMap((entry) => textOf(entry, 'kind'));
  const missing = REQUIRED_KINDS.filter((kind) => !kinds.includes(kind)).map((kind) => `there is no ${kind}`);
  const custodians = kinds.filter((kind) => kind === 'custodian').length;
  if (custodians === 0) missing.push('there is no custodian; there must be exactly one');
  if (custodians > 1) missing.push(`there are ${custodians} custodians; only one is supported now`);
  return missing.map((message) => ({ path: ['organisations'], message }));
}

function endorsementMistakes(endorsement: unknown, names: ReadonlySet<string>): Mistake[] {
  const path = ['policies', 'endorsement'];
  const named = fieldOf(endorsement, 'of');
  const of = Array.isArray(named) ? named : undefined;
  const mistakes: Mistake[] = (of ?? []).flatMap((name: unknown, index) =>
    typeof name === 'string' && !names.has(name)
      ? [{ path: [...path, 'of', index], message: `${name} is not one of the organisations` }]
      : [],
  );
  const any = fieldOf(endorsement, 'any');
  const counted = new Set(of ?? names).size;
  if (typeof any === 'number' && any > counted) {
    mistakes.push({ path: [...path, 'any'], message: `${any} of ${counted} organisations can never endorse` });
  }
  return mistakes;
}

function ordererMistakes(document: unknown, orderers: unknown[], names: ReadonlySet<string>): Mistake[] {
  const path = ['ordering', 'orderers'];
  const owners = orderers.map((entry) => fieldOf(entry, 'organisation'));
  const mistakes: Mistake[] = owners.flatMap((owner, index) =>
    typeof owner === 'string' && !names.has(owner)
      ? [{ path: [...path, index, 'organisation'], message: `${owner} is not one of the organisations` }]
      : [],
  );
  const faults = fieldOf(fieldOf(document, 'ordering'), 'toleratedFaults');
  if (typeof faults !== 'number') return mistakes;
  const needed = 3 * faults + 1;
  if (orderers.length < needed) {
    const message = `${orderers.length} orderers cannot tolerate ${faults} faulty; at least ${needed} are needed`;
    mistakes.push({ path, message });
  }
  for (const owner of new Set(owners)) {
    const count = owners.filter((other) => other === owner).length;
    if (typeof owner !== 'string' || count <= faults) continue;
    const message = `${owner} runs ${count} orderers; its failure alone would stop ordering (at most ${faults})`;
    mistakes.push({ path: [...path, owners.lastIndexOf(owner), 'organisation'], message });
  }
  return mistakes;
}

function batchMistakes(batch: unknown): Mistake[] {
  const [preferred, absolute] = [fieldOf(batch, 'preferredMaxBytes'), fieldOf(batch, 'absoluteMaxBytes')];
  if (typeof preferred !== 'number' || typeof absolute !== 'number' || preferred <= absolute) return [];
  return [{ path: ['ordering', 'batch', 'preferredMaxBytes'], message: 'is greater than absoluteMaxBytes' }];
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
}

/** The text of a field, or nothing. */
function textOf(value: unknown, field: string): string[] {
  const text = fieldOf(value, field);
  return typeof text === 'string' ? [text] : [];
}

const entriesOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
