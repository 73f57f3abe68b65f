import { editDistance } from '../src/users/user-search.js';
import { buildGet, buildPost, buildUpload, createUploadLink, type HttpRequest, type User } from './api.js';
import { CONNECTIONS, MEBIBYTE, type SeedData } from './seed.js';
import { textOfMessage } from './texts.js';

export interface Workload {
  name: string;
  /** Workloads of a group take turns, because they are compared with each other. */
  group: string;
  connections: number;
  hasFloor: boolean;
  /** Returns what a connection sends, in a loop. `url` is the server that is measured. */
  requestsOf: (connection: number, url: string) => HttpRequest[] | Promise<HttpRequest[]>;
  /** Checks the property `data` of an answer. */
  isRight?: (data: unknown, request: HttpRequest) => boolean;
}

const REQUESTS_PER_CONNECTION = 50;
const PAGE_SIZE = 100;
const SEARCH_CONNECTIONS = 8;
const UPLOADS_PER_CONNECTION = 10;
const WITH_FLOOR = { connections: CONNECTIONS, hasFloor: true };
const ALONE = { connections: CONNECTIONS, hasFloor: false };

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

export function makeWorkloads(seed: SeedData): Workload[] {
  return [
    ...makeSends(seed),
    ...makePages(seed),
    makeOneMessage(seed),
    makeList(seed.readers, 50),
    makeList(seed.collectors, seed.manyChats),
    ...makeSearches(seed),
    ...makeFiles(seed),
    makeLogin(seed),
  ];
}

function makeSends({ speakers, hotChat, chats }: SeedData): Workload[] {
  const send = (chat: string, speaker: User, index: number) => {
    const json = { type: 'message', message: textOfMessage(index) };
    return buildPost(`/api/chats/${chat}/messages`, json, speaker);
  };
  const sendToHotChat = (connection: number) =>
    times(REQUESTS_PER_CONNECTION, (index) =>
      send(hotChat, speakers[connection], connection * REQUESTS_PER_CONNECTION + index),
    );
  const sendToChats = (connection: number) =>
    chats.map((_, index) => {
      const place = connection * 7 + index;
      return send(chats[place % chats.length], speakers[connection], place);
    });
  // In a group of its own, because a database still works for a while after a load of sends.
  const single = { ...WITH_FLOOR, connections: 1, group: 'single client' };
  return [
    { ...WITH_FLOOR, name: 'send, one hot chat', group: 'send', requestsOf: sendToHotChat },
    { ...WITH_FLOOR, name: 'send over 50 chats', group: 'send', requestsOf: sendToChats },
    { ...single, name: 'send, a single client', requestsOf: sendToHotChat },
  ];
}

function makePages({ speakers, longChats }: SeedData): Workload[] {
  const queries: Record<string, (size: number, connection: number) => string> = {
    'first page': () => 'page=0',
    'last page': (size) => `page=${size / PAGE_SIZE - 1}`,
    'page by cursor': (size, connection) =>
      `before=${PAGE_SIZE + Math.floor(((size - PAGE_SIZE) * connection) / CONNECTIONS)}`,
  };
  return Object.entries(queries).flatMap(([kind, query]) =>
    longChats.map(({ uuid, size }) => ({
      ...WITH_FLOOR,
      name: `${kind} of ${size}`,
      group: kind,
      requestsOf: (connection: number) => {
        const path = `/api/chats/${uuid}/messages?${query(size, connection)}&per_page=${PAGE_SIZE}`;
        return [buildGet(path, speakers[connection])];
      },
      isRight: (data: unknown) => (data as { messages: unknown[] }).messages.length === PAGE_SIZE,
    })),
  );
}

export function makeOneMessage({ speakers, longChats: [, { uuid, size }] }: SeedData): Workload {
  const pathOf = (place: number) => `/api/chats/${uuid}/messages/${place % size}`;
  return {
    ...WITH_FLOOR,
    name: 'one message',
    group: 'one message',
    requestsOf: (connection) =>
      times(REQUESTS_PER_CONNECTION, (index) =>
        buildGet(pathOf(connection * 131 + index * 17), speakers[connection]),
      ),
  };
}

function makeList(users: User[], size: number): Workload {
  return {
    ...WITH_FLOOR,
    name: `list ${size} chats`,
    group: 'list',
    requestsOf: (connection) => [buildGet('/api/chats', users[connection % users.length])],
    isRight: (data) => (data as unknown[]).length === size,
  };
}

function makeSearches({ usernames, speakers }: SeedData): Workload[] {
  const pick = (place: number) => usernames[(place * 7919) % usernames.length];
  const swapInTheMiddle = (text: string) => {
    const place = Math.floor(text.length / 2);
    return text.slice(0, place - 1) + text[place] + text[place - 1] + text.slice(place + 1);
  };
  // No username has an x or a q.
  const unlikeAll = (place: number) => `xq${place.toString(2).replaceAll('0', 'x').replaceAll('1', 'q')}qxq`;
  const makeSearch = (
    kind: string,
    textOf: (place: number) => string,
    isBest: (text: string, username?: string) => boolean,
  ): Workload => ({
    hasFloor: false,
    connections: SEARCH_CONNECTIONS,
    name: `search, ${kind}`,
    group: 'search',
    requestsOf: (connection) =>
      times(REQUESTS_PER_CONNECTION, (index) => {
        const text = textOf(connection * REQUESTS_PER_CONNECTION + index);
        return buildGet(`/api/users?username=${text}`, speakers[connection]);
      }),
    isRight: (data, { path }) =>
      isBest(path.slice(path.indexOf('=') + 1), (data as { username: string }[])[0]?.username),
  });
  return [
    makeSearch(
      'prefix',
      (place) => pick(place).slice(0, 3 + (place % 3)),
      (text, username = '') => username.startsWith(text),
    ),
    makeSearch(
      'misspelling',
      (place) => swapInTheMiddle(pick(place)),
      (text, username = '') => username.includes(text) || editDistance(text, username) === 1,
    ),
    makeSearch('no match', unlikeAll, (_, username) => username === undefined),
  ];
}

function makeFiles({ speakers, hotChat, file }: SeedData): Workload[] {
  const download = (connection: number) => [buildGet(`/api/files/${file}`, speakers[connection])];
  const upload = async (connection: number, url: string) => {
    const requests: HttpRequest[] = [];
    while (requests.length < UPLOADS_PER_CONNECTION) {
      const link = await createUploadLink(url, hotChat, speakers[connection]);
      requests.push(await buildUpload(link, speakers[connection], MEBIBYTE));
    }
    return requests;
  };
  return [
    { ...ALONE, name: 'download 1 MiB', group: 'files', requestsOf: download },
    { ...ALONE, name: 'upload 1 MiB', group: 'files', requestsOf: upload },
  ];
}

function makeLogin({ speakers }: SeedData): Workload {
  const login = (connection: number) => {
    const { username, password } = speakers[connection];
    return [buildPost('/api/auth/login', { username, password })];
  };
  return { ...ALONE, name: 'login', group: 'login', requestsOf: login };
}
