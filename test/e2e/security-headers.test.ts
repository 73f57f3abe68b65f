import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileServer } from '../support/file-server.js';
import { exchange, request } from '../support/raw-http.js';
import { startServer } from '../support/server.js';

const NOTHING = "default-src 'none';frame-ancestors 'none'";
const BROWSER = { Accept: 'text/html' };

let files: FileServer;
let file: string;

beforeAll(async () => {
  files = await FileServer.start('disk');
  file = `/api/files/${(await files.sendBytes('the bytes')).uuid}`;
});

afterAll(() => files.close());

/** Sends one request, and returns the status and those headers of its answer that are for browsers. */
async function headersOf(bytes: string, url = files.server.url) {
  const [{ status, headers }] = await exchange(url, bytes);
  return {
    status,
    caching: headers['cache-control'],
    policy: headers['content-security-policy'],
    referrer: headers['referrer-policy'],
    sniffing: headers['x-content-type-options'],
    transport: headers['strict-transport-security'],
  };
}

const withToken = (more = {}) => ({ Authorization: files.alex.token, ...more });

const usual = (status: number) => ({
  status,
  caching: 'no-store',
  policy: NOTHING,
  referrer: 'no-referrer',
  sniffing: 'nosniff',
  transport: undefined,
});

describe('the headers for browsers', () => {
  test.each([
    [200, 'a success', () => request('GET', '/api/chats', { headers: withToken() })],
    [200, 'liveness', () => request('HEAD', '/api/health/live')],
    [400, 'an error of the second dialect', () => request('POST', '/api/join_room')],
    [401, 'a missing token', () => request('GET', '/api/chats')],
    [404, 'an unknown route', () => request('GET', '/nope')],
    [405, 'a wrong method', () => request('PATCH', '/api/chats')],
    [400, 'a malformed path', () => request('GET', '/api/users/%ff', { headers: withToken() })],
    [413, 'a large body', () => request('POST', '/api/users', { headers: { 'Content-Length': '99999999' } })],
    [400, 'what is not HTTP', () => 'garbage\r\n\r\n'],
    [431, 'large headers', () => request('GET', '/api/chats', { headers: { X: 'x'.repeat(20_000) } })],
    [417, 'an unknown expectation', () => request('POST', '/api/users', { headers: { Expect: 'miracles' } })],
    [
      204,
      'a preflight',
      () =>
        request('OPTIONS', '/api/chats', {
          headers: { Origin: 'https://a.example', 'Access-Control-Request-Method': 'GET' },
        }),
    ],
    [200, 'the document for programs', () => request('GET', '/api/docs-json')],
  ])('%i: %s', async (status, what, bytes) => {
    const policy = what.includes('document') ? expect.stringContaining(NOTHING) : NOTHING;
    expect(await headersOf(bytes())).toEqual({ ...usual(status), policy });
  });

  test.each([
    [200, {}],
    [206, { Range: 'bytes=0-2' }],
    [416, { Range: 'bytes=99-' }],
  ])('a download, %i: its user may keep it', async (status, headers) => {
    expect(await headersOf(request('GET', file, { headers: withToken(headers) }))).toEqual({
      ...usual(status),
      caching: 'private',
      policy: "default-src 'none'; sandbox",
    });
  });

  test('the pages behind mail links run only their own style and script', async () => {
    const { policy, ...others } = await headersOf(
      request('GET', '/reset-password?token=a.b.c', { headers: BROWSER }),
    );
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-.*script-src 'sha256-/);
    expect({ ...others, policy: NOTHING }).toEqual(usual(200));
  });

  test('the page of the documents runs only scripts of the server, and these may be cached', async () => {
    const page = await headersOf(request('GET', '/api/docs'));
    expect(page).toEqual({ ...usual(200), policy: expect.stringContaining(";script-src 'self';") });
    const script = await headersOf(request('GET', '/api/docs/swagger-ui-bundle.js'));
    expect(script).toEqual({ ...page, caching: expect.stringMatching(/^public/) });
  });

  test('demand TLS when PUBLIC_URL does', async () => {
    const server = await startServer({ publicUrl: 'https://chat.example.com' });
    for (const bytes of [request('GET', '/api/chats'), 'garbage\r\n\r\n', request('GET', '/api/users/%ff')]) {
      expect((await headersOf(bytes, server.url)).transport).toBe('max-age=31536000');
    }
    await server.close();
  });
});
