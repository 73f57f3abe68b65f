import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Nginx } from '../support/nginx.js';
import { until } from '../support/until.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** In place of Parley, so that a test decides how an instance fails. */
class Instance {
  /** The requests that came. */
  readonly seen: IncomingMessage[] = [];
  handle: Handler = answerOk;
  private readonly server: Server = createServer((incoming, response) => {
    this.seen.push(incoming);
    this.handle(incoming, response);
  });

  async start(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

const answerOk: Handler = (incoming, response) => {
  incoming.resume().on('end', () => response.end('ok'));
};

/** An instance that is killed after it has read the request. */
const die: Handler = (incoming) => {
  incoming.resume().on('end', () => incoming.socket.destroy());
};

const refuse: Handler = (incoming, response) => {
  incoming.resume().on('end', () => response.writeHead(503).end('{}'));
};

const CALLS = 8;
const KEY = { 'idempotency-key': 'one' };

let instances: [Instance, Instance];
let nginx: Nginx;

beforeAll(async () => {
  instances = [new Instance(), new Instance()];
  nginx = await Nginx.start([await instances[0].start(), await instances[1].start()]);
});

afterAll(async () => {
  await nginx.stop();
  for (const instance of instances) instance.stop();
});

beforeEach(() => {
  for (const instance of instances) {
    instance.handle = answerOk;
    instance.seen.length = 0;
  }
});

async function statusesOf(method: string, path: string, headers: Record<string, string> = {}) {
  const statuses = new Set<number>();
  // Enough that some of them meet the first instance.
  for (let n = 0; n < CALLS; n += 1) {
    const body = method === 'POST' ? '{}' : undefined;
    statuses.add((await fetch(nginx.url + path, { method, headers, body })).status);
  }
  expect(instances[0].seen.length).toBeGreaterThan(0);
  return [...statuses].toSorted((a, b) => a - b);
}

const SENDS = ['/api/chats', '/api/chats/f3b1/messages', '/api/send_room_message'];

describe('an instance that dies with a request', () => {
  beforeEach(() => {
    instances[0].handle = die;
  });

  test.each(SENDS)('POST %s with a key is sent to the other', async (path) => {
    expect(await statusesOf('POST', path, KEY)).toEqual([200]);
  });

  test.each(SENDS)('POST %s without a key fails', async (path) => {
    expect(await statusesOf('POST', path)).toEqual([200, 502]);
  });

  test('a POST that takes no key fails, because its effect may be there', async () => {
    expect(await statusesOf('POST', '/api/users', KEY)).toEqual([200, 502]);
    expect(await statusesOf('POST', '/api/chats/f3b1/typing', KEY)).toEqual([200, 502]);
  });

  test('a page is asked of the other, and so is a GET that acts', async () => {
    expect(await statusesOf('GET', '/api/chats')).toEqual([200]);
    expect(await statusesOf('GET', '/api/auth/logout')).toEqual([200]);
  });
});

describe('an instance that answers 503', () => {
  beforeEach(() => {
    instances[0].handle = refuse;
  });

  test('the other is asked, for a page, a stream or a send with a key', async () => {
    expect(await statusesOf('GET', '/api/chats')).toEqual([200]);
    expect(await statusesOf('GET', '/api/events', { accept: 'text/event-stream' })).toEqual([200]);
    expect(await statusesOf('POST', '/api/chats', KEY)).toEqual([200]);
  });

  test('both at once, the client learns of it', async () => {
    instances[1].handle = refuse;
    expect(await statusesOf('GET', '/api/chats')).toEqual([503]);
  });
});

describe("nginx's own errors are written as Parley's", () => {
  const HEADERS = { 'access-control-allow-origin': '*', 'cache-control': 'no-store' };
  const UNAVAILABLE = { ...HEADERS, 'retry-after': '1', 'access-control-expose-headers': 'Retry-After' };

  async function post(path: string, body: string, headers: Record<string, string> = {}) {
    const answer = await fetch(nginx.url + path, { method: 'POST', headers, body });
    expect(answer.headers.get('content-type')).toBe('application/json');
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() };
  }

  test.each<[string, Record<string, string>]>([
    ['/api/users', {}],
    ['/api/chats', KEY],
  ])('a body that is too large for POST %s', async (path, key) => {
    expect(await post(path, 'x'.repeat(2_000_000), key)).toMatchObject({
      status: 413,
      headers: HEADERS,
      body: { status: 'error', reason: 'request body is too large', code: 'too_large' },
    });
  });

  test.each<[string, Record<string, string>]>([
    ['/api/users', {}],
    ['/api/chats', KEY],
    ['/api/files/f3b1', {}],
  ])('no answer to POST %s', async (path, key) => {
    for (const instance of instances) instance.handle = die;
    expect(await post(path, '{}', key)).toMatchObject({
      status: 502,
      headers: UNAVAILABLE,
      body: { status: 'error', reason: expect.any(String), code: 'unavailable' },
    });
  });

  test('for rooms in their dialect', async () => {
    for (const instance of instances) instance.handle = die;
    const { body } = await post('/api/join_room', '{}');
    expect(body).toEqual({ error: expect.any(String), code: 'unavailable' });
  });

  test('and those of Parley pass unchanged', async () => {
    for (const instance of instances) {
      instance.handle = (incoming, response) => {
        incoming.resume().on('end', () => response.writeHead(413).end('own'));
      };
    }
    const answer = await fetch(`${nginx.url}/api/users`, { method: 'POST', body: '{}' });
    expect([answer.status, await answer.text()]).toEqual([413, 'own']);
  });
});

const lastSeen = () => [...instances[0].seen, ...instances[1].seen].at(-1);

test('the path, the host and the address of the client reach the instance, which no client can forge', async () => {
  const headers = { ...KEY, 'x-forwarded-for': '203.0.113.9' };
  await fetch(`${nginx.url}/api/chats/a%2Fb%20c/messages?x=%2F`, { method: 'POST', headers, body: '{}' });
  const { url, headers: received } = lastSeen() ?? {};
  expect(url).toBe('/api/chats/a%2Fb%20c/messages?x=%2F');
  expect(received).toMatchObject({
    host: new URL(nginx.url).host,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
  });
});

test('an upload and a download pass piece by piece', async () => {
  let received = 0;
  const handle: Handler = (incoming, response) => {
    response.write('begins');
    incoming.on('data', (chunk: Buffer) => (received += chunk.length));
    incoming.on('end', () => response.end());
  };
  for (const instance of instances) instance.handle = handle;
  const upload = request(`${nginx.url}/api/files/f3b1`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data', 'content-length': '3000000' },
  });
  const answered = once(upload, 'response');
  upload.write('x'.repeat(1_000_000));
  await until('the first part', () => received >= 1_000_000 || undefined);
  const [response] = (await answered) as [IncomingMessage];
  let downloaded = '';
  response.setEncoding('utf8').on('data', (part: string) => (downloaded += part));
  await until('the first part of the answer', () => downloaded === 'begins' || undefined);
  upload.end('x'.repeat(2_000_000));
  await once(response, 'end');
  expect(received).toBe(3_000_000);
});

test('the access log has no tokens of links', async () => {
  await fetch(`${nginx.url}/api/auth/verify-email?token=secret`);
  await until('the log', () => nginx.log('access').includes('GET /api/auth/verify-email 200') || undefined);
  expect(nginx.log('access')).not.toContain('secret');
});
