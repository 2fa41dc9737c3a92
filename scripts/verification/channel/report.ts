/** What a channel check found, as the rows and lines of `npm run verify`. */
import type { Finding, Row } from '../report.ts';
import { isKnown } from './channel-check.ts';
import type { PeerReport } from './peer-check.ts';

export function peerRows(report: PeerReport): Row[] {
  if (!isKnown(report)) return [{ what: 'peer', checked: undefined, damaged: 1 }];
  const { blocks, values, state, findings } = report;
  const damaged = (part: string): number => findings.filter((finding) => finding.part === part).length;
  return [
    { what: 'blocks', checked: blocks, damaged: damaged('blocks') },
    { what: 'private data', checked: values, damaged: damaged('private data') },
    { what: 'state', checked: state, damaged: damaged('state') },
    { what: 'indexes', checked: undefined, damaged: damaged('index') },
  ];
}

/** What an operator does about a peer. */
export interface PeerRemedies {
  away: string;
  damaged: string;
  chaincode: string;
  logs: string;
}

/** Of a network whose processes this machine runs. */
export function nativeRemedies(organisation: string): PeerRemedies {
  const damaged = `npm run repair -- --org ${organisation}`;
  const up = 'npm run network -- up';
  const away = `${up}; where it does not start, ${damaged}`;
  return { away, damaged, chaincode: up, logs: `npm run network -- logs peer-${organisation}` };
}

/** Of one that runs elsewhere: in containers, or at its organisation. */
export const remoteRemedies = (organisation: string): PeerRemedies => ({
  away: `start peer-${organisation} (docker compose up -d)`,
  damaged: `make the ledger of peer-${organisation} anew (network/fabric/compose/README.md)`,
  chaincode: `start chaincode-${organisation} (docker compose up -d)`,
  logs: `docker compose logs peer-${organisation}`,
});

export function peerLines(
  { organisation, away, refuses, withoutChaincode, findings }: PeerReport,
  remedies: PeerRemedies = nativeRemedies(organisation),
): Finding[] {
  if (away !== undefined) {
    const what = `away, so that nothing is known of it (${away})`;
    return [{ place: 'peer', what, remedy: remedies.away }];
  }
  if (refuses !== undefined) {
    const what = `refuses, so that nothing is known of it (${refuses})`;
    return [{ place: 'peer', what, remedy: `the organisation's identities, and ${remedies.logs}` }];
  }
  const damages = findings.map(({ place, what }) => ({ place, what, remedy: remedies.damaged }));
  if (withoutChaincode === undefined) return damages;
  const what = `not checked, because the chaincode does not answer (${withoutChaincode})`;
  return [...damages, { place: 'state', what, remedy: remedies.chaincode }];
}
