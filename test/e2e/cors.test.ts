import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasNoBrowser, launchBrowser } from '../support/browser.js';
import { expectFailure } from '../support/failure.js';
import type { Member } from '../support/parley.js';
import { FILE_AND_ROOM_ROUTES, ROUTES, wellFormed } from '../support/routes.js';
import { startServer, type TestServer } from '../support/server.js';

const PAGE = 'https://chat.example.com';
const OTHER_PAGE = 'http://localhost:5173';
const HEADERS = 'authorization,content-type,idempotency-key,if-none-match,last-event-id,range';
const EXPOSED =
  'Content-Disposition, ETag, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, x-request-id';

let server: TestServer;
let alex: Member;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
});

afterAll(() => server.close());

/** Sends a request as a page of the origin would. */
function call(url: string, origin: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, headers: { origin, ...(init.headers as Record<string, string>) } });
}

const preflight = (on: TestServer, method: string, path: string, origin = PAGE) =>
  call(on.url + path, origin, {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': method, 'access-control-request-headers': HEADERS },
  });

const allowed = ({ headers }: Response) => headers.get('access-control-allow-origin');

describe('by default, pages of all origins may call', () => {
  const routes = [...ROUTES.map(({ method, path }) => `${method} ${path}`), ...FILE_AND_ROOM_ROUTES];

  test.each([...routes, 'HEAD /api/files/{file}', 'GET /api/docs-json'])('%s', async (route) => {
    const [method, path] = route.split(' ');
    const answer = await preflight(server, method, wellFormed(path));
    expect([answer.status, allowed(answer), await answer.text()]).toEqual([204, '*', '']);
    expect(answer.headers.get('access-control-allow-methods')?.split(', ')).toContain(method);
    expect(answer.headers.get('access-control-allow-headers')).toBe(HEADERS);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test.each<[number, string, RequestInit & { authorization?: string }]>([
    [200, '/api/chats', {}],
    [401, '/api/chats', { authorization: '' }],
    [404, '/api/nope', {}],
    [413, '/api/users', { method: 'POST', body: ' '.repeat(1_100_000) }],
    [401, '/api/rooms', { authorization: '' }],
    [404, '/api/room_members/1', {}],
    [413, '/api/create_room', { method: 'POST', body: ' '.repeat(1_100_000) }],
  ])('and read an answer %i of %s', async (status, path, { authorization = alex.token, ...init }) => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (authorization) headers.authorization = authorization;
    const answer = await call(server.url + path, PAGE, { ...init, headers });
    expect([answer.status, allowed(answer)]).toEqual([status, '*']);
    expect(answer.headers.get('access-control-expose-headers')).toBe(EXPOSED);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('a request OPTIONS that is no preflight is an unknown route', async () => {
    const answer = await server.parley.request('OPTIONS', '/api/chats');
    expect(expectFailure(answer, 404)).toBe('route does not exist');
  });
});

describe('CORS_ORIGINS', () => {
  const withOrigins = async (corsOrigins: string[], check: (on: TestServer) => Promise<void>) => {
    const other = await startServer({ corsOrigins });
    await check(other).finally(() => other.close());
  };

  test('allows only the origins of its list', () =>
    withOrigins([PAGE, OTHER_PAGE], async (other) => {
      for (const [origin, expected] of [
        [PAGE, PAGE],
        [OTHER_PAGE, OTHER_PAGE],
        ['https://evil.example', null],
        [`${PAGE}.evil.example`, null],
        ['null', null],
      ] as const) {
        const path = '/api/chats';
        for (const answer of [
          await call(other.url + path, origin),
          await preflight(other, 'GET', path, origin),
        ]) {
          expect(allowed(answer)).toBe(expected);
          expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/i);
        }
      }
    }));

  test('allows no origin with none', () =>
    withOrigins([], async (other) => {
      expect(allowed(await call(`${other.url}/api/docs-json`, PAGE))).toBeNull();
      const answer = await preflight(other, 'GET', '/api/chats');
      expect([answer.status, allowed(answer)]).toEqual([405, null]);
    }));
});

test.each(['/api/docs', '/api/docs/', '/api/docs-json', '/api/docs-yaml', '/api/docs/swagger-ui.css'])(
  'HEAD %s answers like GET, without a body',
  async (path) => {
    const [get, head] = await Promise.all(
      ['GET', 'HEAD'].map((method) => fetch(server.url + path, { method })),
    );
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['content-type', 'content-length']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    await get.text();
  },
);

describe.skipIf(hasNoBrowser)('a page of another origin, in a browser,', () => {
  let browser: Browser;
  let site: Server;
  let page: Page;

  beforeAll(async () => {
    site = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html>'),
    );
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  const SIZE = 3_000_000;

  /** Runs `upload` in the page, and returns what the page could read of the answers. */
  async function sendFile(upload: string) {
    const chat = await alex.createChat([]);
    const result = await page.evaluate(
      `(async (api, token, chat, size) => {
        const authorization = { Authorization: token };
        const json = { ...authorization, 'Content-Type': 'application/json', 'Idempotency-Key': chat };
        const message = JSON.stringify({ type: 'file', filename: 'notes.txt' });
        const sent = await fetch(api + '/chats/' + chat + '/messages', { method: 'POST', headers: json, body: message });
        const url = api + '/files/' + (await sent.json()).data.uuid;
        const form = new FormData();
        form.append('file', new Blob([new Uint8Array(size)]), 'notes.txt');
        const upload = ${upload};
        const uploaded = await upload(url, form, authorization);
        const file = await fetch(url, { headers: { ...authorization, Range: 'bytes=0-9' } });
        const { headers } = file;
        const etag = headers.get('etag');
        const cached = await fetch(url, { cache: 'no-store', headers: { ...authorization, 'If-None-Match': etag } });
        return {
          uploaded,
          downloaded: [file.status, (await file.arrayBuffer()).byteLength],
          name: headers.get('content-disposition'),
          cached: cached.status,
        };
      })(${[`${server.url}/api`, alex.token, chat, SIZE].map((value) => JSON.stringify(value)).join()})`,
    );
    expect(result).toMatchObject({
      uploaded: { status: 200, body: { status: 'success' } },
      downloaded: [206, 10],
      name: 'attachment; filename="notes.txt"',
      cached: 304,
    });
    return result as { uploaded: { progress: number[] } };
  }

  test('sends a file with fetch', async () => {
    await sendFile(`async (url, body, headers) => {
      const answer = await fetch(url, { method: 'POST', headers, body });
      return { status: answer.status, body: await answer.json() };
    }`);
  });

  test('sends a file with XMLHttpRequest, and sees its progress', async () => {
    const { uploaded } = await sendFile(`(url, body, headers) => new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const progress = [];
      request.upload.onprogress = ({ loaded }) => progress.push(loaded);
      request.onload = () => resolve({ status: request.status, body: JSON.parse(request.response), progress });
      request.onerror = reject;
      request.open('POST', url);
      for (const name in headers) request.setRequestHeader(name, headers[name]);
      request.send(body);
    })`);
    expect(uploaded.progress.at(-1)).toBeGreaterThan(SIZE);
  });

  test('reads the reason and the request id of an error', async () => {
    const read = `fetch('${server.url}/api/chats').then(async (answer) => [
      answer.status, (await answer.json()).status, answer.headers.get('x-request-id')])`;
    expect(await page.evaluate(read)).toEqual([401, 'error', expect.stringMatching(/^[\w-]{8,}$/)]);
  });
});
