/** What came of checking a receipt or an export, in lines for whoever asked. */
import { checkReceipt, type Roots } from './check.ts';
import { checkExport } from './check-export.ts';

export interface Report {
  holds: boolean;
  lines: string[];
}

const isArchive = ([first, second]: Uint8Array): boolean => first === 0x50 && second === 0x4b;

/** @param bytes of a tlog-proof, or of an export */
export const reportOn = (bytes: Uint8Array, roots: Roots): Promise<Report> =>
  isArchive(bytes) ? ofExport(bytes, roots) : ofReceipt(bytes, roots);

const said = ({ proved, notProved }: { proved: string[]; notProved: string[] }): string[] => [
  ...proved.map((line) => `proved: ${line}`),
  ...notProved.map((line) => `not proved: ${line}`),
];

async function ofReceipt(bytes: Uint8Array, roots: Roots): Promise<Report> {
  try {
    const { witnesses, entry, tree, content, endorsed, ordered, ...rest } = await checkReceipt(bytes, roots);
    const lines = [
      `holds: transaction ${entry.transactionId ?? 'without id'}, leaf ${tree.index} of ${tree.size}`,
      ...witnesses.map(({ mspId, time }) => `signed by ${mspId} at ${time}`),
      ...(endorsed?.endorsers ?? []).map((mspId) => `endorsed by a peer of ${mspId}`),
      ...(ordered?.orderers ?? []).map((mspId) => `ordered by an orderer of ${mspId}`),
      ...(content === undefined ? [] : [`content: ${content.text ?? content.value}`]),
    ];
    return { holds: true, lines: [...lines, ...said(rest)] };
  } catch (error) {
    return { holds: false, lines: [`does not hold: ${(error as Error).message}`] };
  }
}

async function ofExport(bytes: Uint8Array, roots: Roots): Promise<Report> {
  const { findings, manifest, versions, proven, decisions, anchors, withoutReceipt, ...rest } = await checkExport(
    bytes,
    roots,
  );
  const lines = [
    ...(manifest === undefined ? [] : [`export of ${manifest.patient}, made by ${manifest.mspId} at ${manifest.made}`]),
    `${versions} versions, ${proven} proven by their receipts; ${decisions} accesses proven by theirs; ${anchors} anchors of logs of reads`,
    ...withoutReceipt.map(({ of, reason }) => `without receipt: ${of}: ${reason}`),
    ...(manifest?.leftOut ?? []).map(({ of, reason }) => `left out: ${of}: ${reason}`),
    ...findings.map(({ place, fault }) => `does not hold: ${place === undefined ? '' : `${place}: `}${fault}`),
  ];
  if (findings.length > 0) return { holds: false, lines };
  return { holds: true, lines: ['holds', ...lines, ...said(rest)] };
}
