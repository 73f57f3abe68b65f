import { editDistance } from '../src/users/user-search.js';
import type { Call } from './api.js';
import type { World } from './seed.js';
import { makeUsernames } from './texts.js';
import type { Work } from './works.js';

const CONNECTIONS = 8;

/** How many different texts a connection searches for. */
const VARIETY = 50;

/** The three kinds of search; of each the best match must be the first answer. */
export function searches({ scale, speakers }: World): Work[] {
  const usernames = makeUsernames(scale.users);
  const pick = (place: number) => usernames[(place * 7919) % usernames.length];
  const search = (name: string, textOf: (place: number) => string, complaint: Judge): Work => ({
    name,
    group: 'search',
    connections: CONNECTIONS,
    floor: false,
    reads: true,
    requestsOf: (connection) =>
      Array.from({ length: VARIETY }, (_, index): Call => {
        const text = textOf(connection * VARIETY + index);
        return { method: 'GET', path: `/api/users?username=${text}`, token: speakers[connection].token };
      }),
    complaint: (answer, { path }) => {
      const found = (JSON.parse(answer) as { data: { username: string }[] }).data;
      return complaint(
        found.map(({ username }) => username),
        path.slice(path.indexOf('=') + 1),
      );
    },
  });
  return [
    search('search, prefix', (place) => pick(place).slice(0, 3 + (place % 3)), prefixComplaint),
    search('search, misspelling', (place) => misspell(pick(place)), misspellingComplaint),
    search('search, no match', unlikeAll, ({ length }) => (length === 0 ? undefined : `${length} users`)),
  ];
}

/** Says what is wrong with the usernames that a search for the text has found. */
type Judge = (found: string[], text: string) => string | undefined;

const prefixComplaint: Judge = ([best], text) =>
  best?.startsWith(text) ? undefined : `the first is ${best}`;

const misspellingComplaint: Judge = (found, text) => {
  if (found.length === 0) return 'nobody is found';
  if (found[0].includes(text)) return undefined;
  const edits = editDistance(text, found[0]);
  return edits === 1 ? undefined : `the first is ${found[0]}, ${edits} edits away`;
};

/** Swaps two letters in the middle. */
function misspell(username: string): string {
  const place = Math.floor(username.length / 2);
  return username.slice(0, place - 1) + username[place] + username[place - 1] + username.slice(place + 1);
}

/** Letters that no username has, different ones for each place. */
function unlikeAll(place: number): string {
  return `xq${place.toString(2).replaceAll('0', 'x').replaceAll('1', 'q')}qxq`;
}
