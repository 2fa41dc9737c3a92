/** The network as a picture: members around who orders. All of it stands in the table beside it, which screen readers read instead. */
import { useWords } from '../language.ts';
import { Wide } from '../parts/wide.tsx';
import { type Member, type NetworkState, standingOf } from './network-state.ts';

const [WIDTH, HEIGHT] = [640, 420];
const [CENTRE_X, CENTRE_Y] = [WIDTH / 2, HEIGHT / 2];
const [RADIUS_X, RADIUS_Y] = [235, 150];
const [BOX_W, BOX_H] = [132, 56];

interface Place {
  x: number;
  y: number;
}

/** Around the middle, from the top on. */
function placeOf(index: number, all: number): Place {
  const angle = (2 * Math.PI * index) / all - Math.PI / 2;
  return { x: CENTRE_X + RADIUS_X * Math.cos(angle), y: CENTRE_Y + RADIUS_Y * Math.sin(angle) };
}

export function Picture({ of }: { of: NetworkState }) {
  const { t, number } = useWords();
  const { members, orderers, organisation, channel } = of;
  const places = members.map((_, index) => placeOf(index, members.length));
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} class="network" aria-hidden="true" direction="ltr">
      {places.map(({ x, y }, index) => (
        <line key={members[index]?.mspId} x1={CENTRE_X} y1={CENTRE_Y} x2={x} y2={y} class="wire" />
      ))}
      <ellipse cx={CENTRE_X} cy={CENTRE_Y} rx={120} ry={50} class="ordering" />
      <text x={CENTRE_X} y={CENTRE_Y - 6} class="name">
        {channel}
      </text>
      <text x={CENTRE_X} y={CENTRE_Y + 16} class="height">
        {t('orderedBy', { count: orderers.length })}
      </text>
      {members.map((member, index) => {
        const { x, y } = places[index] ?? { x: 0, y: 0 };
        const isOwn = member.name === organisation;
        return (
          <g key={member.mspId} class={`node ${standingOf(member)}${isOwn ? ' own' : ''}`}>
            <rect x={x - BOX_W / 2} y={y - BOX_H / 2} width={BOX_W} height={BOX_H} rx={12} />
            <text x={x} y={y - 4} class="name">
              {member.name}
            </text>
            <text x={x} y={y + 17} class="height">
              {member.height === undefined ? t('standing-away') : `▣ ${number(member.height)}`}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

const TAGS = { well: 'tag good', behind: 'tag warn', away: 'tag bad' } as const;

export function Members({ of }: { of: readonly Member[] }) {
  const { t, number } = useWords();
  return (
    <Wide label={t('members')}>
      <table>
        <caption class="unseen">{t('members')}</caption>
        <thead>
          <tr>
            {(['organisation', 'kindOf', 'peerHeight', 'networkBehind', 'standing'] as const).map((one) => (
              <th key={one} scope="col">
                {t(one)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {of.map((member) => (
            <tr key={member.mspId}>
              <th scope="row">{member.name}</th>
              <td dir="ltr">{member.kind}</td>
              <td>{member.height === undefined ? '–' : number(member.height)}</td>
              <td>{member.behind === undefined ? '–' : number(member.behind)}</td>
              <td>
                <span class={TAGS[standingOf(member)]}>{t(`standing-${standingOf(member)}`)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
