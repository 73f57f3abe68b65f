import type autocannon from 'autocannon';
import { Api, bodyOf, type Call, headersOf, upload, type User } from './api.js';
import { searches } from './searches.js';
import { CONNECTIONS, MEBIBYTE, type World } from './seed.js';
import { MESSAGES } from './texts.js';

/** One kind of request that the servers are measured at. */
export interface Work {
  /** Also names it in the results. */
  name: string;
  /** Works of a group are measured in turns, because they are compared with each other. */
  group: string;
  connections: number;
  /** Whether the floor does it too: where the issue sets no ratio, it need not. */
  floor: boolean;
  /** Whether two servers give the same bytes; else the same fields. */
  reads: boolean;
  requestsOf: (connection: number) => Call[];
  /** Makes what the requests use up: each connection then sends one. */
  prepare?: (url: string) => Promise<void>;
  /** Says what is wrong with an answer, where there is more to it than its likeness to the floor's. */
  complaint?: (text: string, request: Call) => string | undefined;
}

/** What SQLite is compared with the database server at. */
export const SEND_GROUP = 'send';

/** How many different requests a connection sends before it begins again. */
const VARIETY = 20;

const variants = <T>(make: (index: number) => T) =>
  Array.from({ length: VARIETY }, (_, index) => make(index));

export function makeWorks(world: World): Work[] {
  return [
    ...sends(world),
    ...pages(world),
    oneMessage(world),
    ...lists(world),
    ...searches(world),
    joinRoom(world),
    download(world),
    uploads(world),
    login(world),
  ];
}

function sends({ speakers, hotChat, chats }: World): Work[] {
  const send = (chat: string, { token }: User, index: number): Call => ({
    method: 'POST',
    path: `/api/chats/${chat}/messages`,
    token,
    json: { type: 'message', message: MESSAGES[index % MESSAGES.length] },
  });
  const toHotChat = (connection: number) =>
    variants((index) => send(hotChat, speakers[connection], connection * VARIETY + index));
  const toChats = (connection: number) =>
    chats.map((_, index) => {
      // Each begins elsewhere, so that they do not go from chat to chat together.
      const place = connection * 7 + index;
      return send(chats[place % chats.length], speakers[connection], place);
    });
  const shared = { group: SEND_GROUP, floor: true, reads: false };
  return [
    { ...shared, name: 'send, one hot chat', connections: CONNECTIONS, requestsOf: toHotChat },
    { ...shared, name: 'send over 50 chats', connections: CONNECTIONS, requestsOf: toChats },
    // By itself: what a database still does behind a load of sends would count as its time.
    {
      ...shared,
      name: 'send, a single client',
      group: 'single client',
      connections: 1,
      requestsOf: toHotChat,
    },
  ];
}

const PAGE = 100;

function pages({ speakers, longChats }: World): Work[] {
  const kinds: Record<string, (size: number, connection: number) => string> = {
    'first page': () => 'page=0',
    'last page': (size) => `page=${size / PAGE - 1}`,
    // Spread over the whole chat; each connection reads at its own place.
    'page by cursor': (size, connection) =>
      `before=${PAGE + Math.floor(((size - PAGE) * connection) / CONNECTIONS)}`,
  };
  return Object.entries(kinds).flatMap(([kind, query]) =>
    longChats.map(({ uuid, size }) => ({
      name: `${kind} of ${size}`,
      group: kind,
      connections: CONNECTIONS,
      floor: true,
      reads: true,
      requestsOf: (connection: number): Call[] => [
        {
          method: 'GET',
          path: `/api/chats/${uuid}/messages?${query(size, connection)}&per_page=${PAGE}`,
          token: speakers[connection].token,
        },
      ],
      complaint: (text: string) => {
        const { data } = JSON.parse(text) as { data: { messages: unknown[] } };
        const { length } = data.messages;
        return length === PAGE ? undefined : `${length} messages`;
      },
    })),
  );
}

export function oneMessage({ speakers, longChats }: World): Work {
  const { uuid, size } = longChats[1];
  return {
    name: 'one message',
    group: 'one message',
    connections: CONNECTIONS,
    floor: true,
    reads: true,
    requestsOf: (connection) =>
      variants((index) => ({
        method: 'GET',
        path: `/api/chats/${uuid}/messages/${(connection * 131 + index * 17) % size}`,
        token: speakers[connection].token,
      })),
  };
}

function lists({ readers, collectors, scale }: World): Work[] {
  const list = (users: User[], size: number): Work => ({
    name: `list ${size} chats`,
    group: 'list',
    connections: CONNECTIONS,
    floor: true,
    reads: true,
    requestsOf: (connection) => [
      { method: 'GET', path: '/api/chats', token: users[connection % users.length].token },
    ],
    complaint: (text) => {
      const { length } = (JSON.parse(text) as { data: unknown[] }).data;
      return length === size ? undefined : `${length} chats`;
    },
  });
  return [list(readers, 50), list(collectors, scale.collection)];
}

/** Into a public room, of 50: again, but for each user's first time, which renews when they joined. */
function joinRoom({ speakers, rooms }: World): Work {
  return {
    name: 'join a public room',
    group: 'rooms',
    connections: CONNECTIONS,
    floor: false,
    reads: false,
    requestsOf: (connection) =>
      rooms.map((_, index) => ({
        method: 'POST',
        path: '/api/join_room',
        token: speakers[connection].token,
        json: { name: rooms[(connection * 7 + index) % rooms.length] },
      })),
  };
}

function download({ speakers, file }: World): Work {
  return {
    name: 'download 1 MiB',
    group: 'files',
    connections: CONNECTIONS,
    floor: false,
    reads: true,
    requestsOf: (connection) => [
      { method: 'GET', path: `/api/files/${file}`, token: speakers[connection].token },
    ],
    complaint: (text) => (text === MEBIBYTE.toString() ? undefined : 'other bytes than were uploaded'),
  };
}

/** A link takes one upload, so each connection needs a new one each time. */
function uploads({ speakers, hotChat }: World): Work {
  let links: string[] = [];
  return {
    name: 'upload 1 MiB',
    group: 'files',
    connections: CONNECTIONS,
    floor: false,
    reads: false,
    prepare: async (url) => {
      const api = new Api(url);
      links = await Promise.all(speakers.map((speaker) => api.createLink(hotChat, speaker, 'notes.txt')));
    },
    requestsOf: (connection) => [upload(links[connection], speakers[connection], MEBIBYTE)],
  };
}

/** Each connection logs one user in, again and again. */
function login({ speakers }: World): Work {
  return {
    name: 'login',
    group: 'login',
    connections: CONNECTIONS,
    floor: true,
    reads: false,
    requestsOf: (connection) => {
      const { username, password } = speakers[connection];
      return [{ method: 'POST', path: '/api/auth/login', json: { username, password } }];
    },
  };
}

/** As the load generator wants it. */
export function toRequest(request: Call): autocannon.Request {
  const { method, path } = request;
  return { method, path, headers: headersOf(request), body: bodyOf(request) };
}
