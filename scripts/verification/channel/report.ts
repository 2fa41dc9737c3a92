/** What a channel check found, as the rows and lines of `npm run verify`. */
import type { Finding, Row } from '../report.ts';
import type { PeerReport } from './peer-check.ts';

export function peerRows({ away, blocks, values, state, findings }: PeerReport): Row[] {
  if (away !== undefined) return [{ what: 'peer', checked: undefined, damaged: 1 }];
  const damaged = (part: string): number => findings.filter((finding) => finding.part === part).length;
  return [
    { what: 'blocks', checked: blocks, damaged: damaged('blocks') },
    { what: 'private data', checked: values, damaged: damaged('private data') },
    { what: 'state', checked: state, damaged: damaged('state') },
    { what: 'indexes', checked: undefined, damaged: damaged('index') },
  ];
}

export function peerLines({ organisation, away, findings }: PeerReport): Finding[] {
  if (away !== undefined) {
    return [
      { place: 'peer', what: `away, so that nothing is known of it (${away})`, remedy: 'npm run network -- status' },
    ];
  }
  const remedy = `npm run repair -- --org ${organisation}`;
  return findings.map(({ place, what }) => ({ place, what, remedy }));
}
