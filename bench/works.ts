import type autocannon from 'autocannon';
import type { Call, User } from './api.js';
import { CONNECTIONS, type World } from './seed.js';
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
  /** Says what is wrong with an answer's JSON, where there is more to it than its likeness to the floor's. */
  complaint?: (body: unknown) => string | undefined;
}

/** How many different requests a connection sends before it begins again. */
const VARIETY = 20;

const variants = <T>(make: (index: number) => T) =>
  Array.from({ length: VARIETY }, (_, index) => make(index));

export function makeWorks(world: World): Work[] {
  return [...sends(world), ...pages(world), ...lists(world), oneMessage(world), login(world)];
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
  const shared = { group: 'send', floor: true, reads: false };
  return [
    { ...shared, name: 'send, one hot chat', connections: CONNECTIONS, requestsOf: toHotChat },
    { ...shared, name: 'send over 50 chats', connections: CONNECTIONS, requestsOf: toChats },
    { ...shared, name: 'send, a single client', connections: 1, requestsOf: toHotChat },
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
      complaint: (body: unknown) => {
        const { length } = (body as { data: { messages: unknown[] } }).data.messages;
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

function lists({ readers, collectors }: World): Work[] {
  const list = (users: User[], size: number): Work => ({
    name: `list ${size} chats`,
    group: 'list',
    connections: CONNECTIONS,
    floor: true,
    reads: true,
    requestsOf: (connection) => [
      { method: 'GET', path: '/api/chats', token: users[connection % users.length].token },
    ],
    complaint: (body) => {
      const { length } = (body as { data: unknown[] }).data;
      return length === size ? undefined : `${length} chats`;
    },
  });
  return [list(readers, 50), list(collectors, 1000)];
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
export function toRequest({ method, path, token, json }: Call): autocannon.Request {
  return {
    method,
    path,
    headers: {
      ...(token === undefined ? {} : { authorization: token }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: json === undefined ? undefined : JSON.stringify(json),
  };
}
