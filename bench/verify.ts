import { type Answer, type Call, call } from './api.js';
import type { Site } from './site.js';
import type { Work } from './works.js';

/**
 * Before anything is measured: both servers do what the work says and give the same answer, to the byte where the
 * work reads and of the same fields where it writes.
 *
 * @throws when they do not.
 */
export async function verify(work: Work, site: Site): Promise<void> {
  await work.prepare?.(site.parley.url);
  for (const request of work.requestsOf(0)) await verifyOne(work, request, site);
}

async function verifyOne(work: Work, request: Call, { parley, floor, name }: Site): Promise<void> {
  const where = `${request.method} ${request.path} (${work.name} on ${name})`;
  const expect = (answer: Answer, who: string) => {
    if (answer.status !== 200) throw new Error(`${where}: ${who} answers ${answer.status}: ${answer.text}`);
    const complaint = work.complaint?.(answer.text, request);
    if (complaint) throw new Error(`${where}: ${who} answers wrongly: ${complaint}`);
    return answer;
  };
  const answer = expect(await call(parley.url, request), 'Parley');
  if (!work.floor) return;
  const other = expect(await call(floor.url, request), 'the floor');
  const likeness = ({ contentType, text }: Answer) =>
    `${contentType} ${work.reads ? text : shape(JSON.parse(text))}`;
  const difference = differ(likeness(answer), likeness(other));
  if (difference) throw new Error(`${where}: Parley and the floor answer differently:\n${difference}`);
}

/** Which fields there are, in which order, and of which types. */
function shape(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return `{${Object.entries(value)
    .map(([key, field]) => `${key}:${shape(field)}`)
    .join()}}`;
}

/** Where two texts part, with what stands around that. */
function differ(one: string, other: string): string | undefined {
  if (one === other) return undefined;
  let place = 0;
  while (one[place] === other[place]) place += 1;
  return [one, other].map((text) => text.slice(Math.max(0, place - 40), place + 40)).join('\n');
}
