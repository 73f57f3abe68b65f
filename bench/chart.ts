import type { Result } from './measure.js';

const WIDTH = 760;
const LEFT = 220;
const BAR = 16;
const ROW = 26;
const TOP = 56;

/** Bars of the ratios to the floor on one database, with a mark where the goal is. */
export function chart(results: Result[], goalOf: (work: string) => number | undefined): string {
  const rows = results.filter(({ ratio }) => ratio !== null);
  const database = rows[0]?.database ?? '';
  const longest = Math.max(1, ...rows.map(({ work, ratio }) => Math.max(ratio ?? 0, goalOf(work) ?? 0)));
  const scale = (WIDTH - LEFT - 60) / longest;
  const bars = rows.map(({ work, ratio }, index) => {
    const value = ratio ?? 0;
    const goal = goalOf(work);
    const y = TOP + index * ROW;
    const colour = goal === undefined ? '#8b949e' : value >= goal ? '#2da44e' : '#cf222e';
    const mark = goal === undefined ? '' : line(LEFT + goal * scale, y - 3, y + BAR + 3, '#24292f');
    return `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(work)}</text>
<rect x="${LEFT}" y="${y}" width="${(value * scale).toFixed(1)}" height="${BAR}" fill="${colour}"/>
${mark}<text x="${(LEFT + value * scale + 6).toFixed(1)}" y="${y + 12}">${value.toFixed(2)}</text>`;
  });
  const height = TOP + rows.length * ROW + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="16" y="24" font-size="15">Parley’s requests per second on ${escape(database)}, as a multiple of the floor’s</text>
<text x="16" y="42" fill="#57606a">black marks are the goals</text>
${bars.join('\n')}
</svg>
`;
}

function line(x: number, from: number, to: number, colour: string): string {
  const place = x.toFixed(1);
  return `<line x1="${place}" x2="${place}" y1="${from}" y2="${to}" stroke="${colour}" stroke-width="2"/>\n`;
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
