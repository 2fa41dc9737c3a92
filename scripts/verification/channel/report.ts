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

export function peerLines({ organisation, away, refuses, withoutChaincode, findings }: PeerReport): Finding[] {
  const remedy = `npm run repair -- --org ${organisation}`;
  if (away !== undefined) {
    const what = `away, so that nothing is known of it (${away})`;
    return [{ place: 'peer', what, remedy: `npm run network -- up; where it does not start, ${remedy}` }];
  }
  if (refuses !== undefined) {
    const what = `refuses, so that nothing is known of it (${refuses})`;
    return [
      {
        place: 'peer',
        what,
        remedy: `the organisation's identities, and npm run network -- logs peer-${organisation}`,
      },
    ];
  }
  const damages = findings.map(({ place, what }) => ({ place, what, remedy }));
  if (withoutChaincode === undefined) return damages;
  const what = `not checked, because the chaincode does not answer (${withoutChaincode})`;
  return [...damages, { place: 'state', what, remedy: 'npm run network -- up' }];
}
