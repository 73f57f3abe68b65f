import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '#src/config/settings.js';
import { Reader } from '#src/database/unit-of-work.js';
import { MAIL_KINDS } from '#src/mail/mail.entity.js';
import { renderMail } from '#src/mail/mail.renderer.js';
import { expectFailure } from '../support/failure.js';
import { digest, expectSuccess, type Member } from '../support/parley.js';
import { exchange, request } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

const WELCOME = /verify your email address$/;
const RESET = /^Reset your password$/;
/** A well-formed token that the server did not issue. */
const SOME_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl';
const VARYING_HEADERS = /^(date|connection|keep-alive|x-request-id)$/;
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

const reset = (token: string, password: string) =>
  server.parley.post('/api/auth/reset-password', { password: digest(password) }, { token });

async function resetTokenOf({ username, email }: Member): Promise<string> {
  expectSuccess(await server.parley.get(`/api/auth/forgot-password?username=${username}`));
  return server.mailbox.waitForToken(email, RESET);
}

const contentsOf = (html: string, tag: 'style' | 'script') =>
  [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, text]) => text);

const hashesOf = (texts: string[]) =>
  texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');

describe('a page runs only its own script and does not leak its URL:', () => {
  let verification: string;

  beforeAll(async () => {
    const { email } = await server.parley.signUp('sealed');
    verification = await server.mailbox.waitForToken(email, WELCOME);
  });

  test.each([
    ['the form for a new password', () => `/reset-password?token=${SOME_TOKEN}`, 200],
    ['a reset link without its token', () => '/reset-password', 400],
    ['a verified address', () => `/api/auth/verify-email?token=${verification}`, 200],
    ['a used link', () => `/api/auth/verify-email?token=${verification}`, 401],
    ['a verification link that is cut off', () => `/api/auth/verify-email?token=${SOME_TOKEN}`, 401],
  ])('%s', async (_, path, status) => {
    const answer = await server.parley.get(path(), { headers: BROWSER });
    const { headers, body: html } = answer;
    expect(answer.status).toBe(status);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');

    const scripts = contentsOf(html, 'script');
    expect(scripts).toHaveLength(path().startsWith('/reset-password?') ? 1 : 0);
    expect(headers.get('content-security-policy')?.split('; ').toSorted()).toEqual(
      [
        "base-uri 'none'",
        ...(scripts.length ? ["connect-src 'self'", `script-src ${hashesOf(scripts)}`] : []),
        "default-src 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        `style-src ${hashesOf(contentsOf(html, 'style'))}`,
      ].toSorted(),
    );
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).not.toContain(path().split('token=')[1] ?? '{{');
    // The page needs nothing that its policy blocks: resources, event handlers, style attributes.
    const markup = html.replaceAll(/<(style|script)>.*?<\/\1>/gs, '');
    expect(markup).not.toMatch(/\s(src|href|style|on\w+)=|<(link|iframe|base)\b/);
    expect(contentsOf(html, 'style').join()).not.toMatch(/url\(|@import/);
  });
});

describe('/reset-password', () => {
  test('a reset link that was fetched 50 times still works, once', async () => {
    const user = await server.parley.signUp('scanned');
    const token = await resetTokenOf(user);
    const rows = () => server.app.get(Reader).query('SELECT * FROM tokens ORDER BY id');
    const before = await rows();
    const visitors: [string, Record<string, string>][] = [
      ['GET', BROWSER],
      ['GET', { accept: '*/*', 'user-agent': 'Mail-Link-Scanner/1.0 (+https://scanner.example)' }],
      ['GET', { accept: 'application/json' }],
      ['GET', { authorization: token }],
      ['HEAD', { accept: '*/*', 'user-agent': 'Mail-Link-Scanner/1.0 (+https://scanner.example)' }],
    ];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const [method, headers] = visitors[index % visitors.length];
        return server.parley.request(method, `/reset-password?token=${token}`, { headers });
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await rows()).toEqual(before);
    expect(await server.parley.login('scanned', user.password)).toBeTruthy();

    expectSuccess(await reset(token, 'scanned, new'));
    expect(expectFailure(await reset(token, 'scanned, newer'), 401)).toMatch(/no longer valid/);
    expect(await server.parley.login('scanned', digest('scanned, new'))).toBeTruthy();
  });

  test('HEAD answers like GET without a body', async () => {
    for (const path of ['/reset-password', `/reset-password?token=${SOME_TOKEN}`]) {
      const [get, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => server.parley.request(method, path)),
      );
      const headersOf = ({ headers }: typeof get) =>
        [...headers].filter(([name]) => !VARYING_HEADERS.test(name));
      expect(head.status).toBe(get.status);
      expect(headersOf(head)).toEqual(headersOf(get));
      expect(head.body).toBe('');
    }
  });

  test.each(['', '?', '?token=', '?token', '?token=a&token=b', '?Token=a'])(
    'a link that ends with %j is not complete',
    async (query) => {
      const { status, body } = await server.parley.get(`/reset-password${query}`);
      expect(status).toBe(400);
      expect(body).toContain('<h1>This link is not complete</h1>');
    },
  );

  test.each([
    ['no token at all', '?token=nonsense'],
    ['markup', '?token=%3Cscript%3Ealert(1)%3C/script%3E'],
    ['broken escapes', '?token=%zz%'],
    ['8,000 characters', `?token=${'x'.repeat(8_000)}`],
  ])('the page is the same for every token, including %s', async (_, query) => {
    const { status, body } = await server.parley.get(`/reset-password${query}`);
    expect(status).toBe(200);
    expect(body).toBe((await server.parley.get(`/reset-password?token=${SOME_TOKEN}`)).body);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not supported', async (method) => {
    const user = await server.parley.signUp(`page-${method.toLowerCase()}`);
    const token = await resetTokenOf(user);
    const json = method === 'OPTIONS' ? undefined : { password: digest('new') };
    expectFailure(
      await server.parley.request(method, `/reset-password?token=${token}`, { token, json }),
      [404, 405],
    );
    expect(await server.parley.login(user.username, user.password)).toBeTruthy();
    expectSuccess(await reset(token, 'new'));
  });

  test('exists only at the root', async () => {
    expectFailure(await server.parley.get(`/api/reset-password?token=${SOME_TOKEN}`), [404, 405]);
    expectFailure(await server.parley.get(`/reset-password/x?token=${SOME_TOKEN}`), [404, 405]);
  });
});

test('links start with PUBLIC_URL, whatever host the request names', async () => {
  const spoofed = {
    Host: 'evil.example',
    Forwarded: 'host=evil.example;proto=ftp',
    Origin: 'http://evil.example',
    Referer: 'http://evil.example/',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Port': '666',
    'X-Forwarded-Prefix': '/evil.example',
    'X-Forwarded-Proto': 'ftp',
    'X-Forwarded-Server': 'evil.example',
    'X-Original-Host': 'evil.example',
  };
  const body = JSON.stringify({
    username: 'spoofed',
    password: digest('spoofed'),
    email: 'spoofed@example.com',
    name: 'Spoofed',
  });
  const calls = [
    request('POST', '/api/users', { headers: { ...spoofed, 'Content-Type': 'application/json' }, body }),
    request('GET', '/api/auth/forgot-password?username=spoofed', { headers: spoofed }),
    // An absolute request target takes precedence over the header Host.
    request('GET', 'http://evil.example/api/auth/forgot-password?username=spoofed', { headers: spoofed }),
  ];
  for (const call of calls) {
    expect((await exchange(server.url, call)).map(({ status }) => status)).toEqual([200]);
  }
  await server.mailbox.waitFor('spoofed@example.com', RESET, 2);
  const mails = await server.mailbox.all('spoofed@example.com');
  expect(mails).toHaveLength(3);
  for (const mail of mails) {
    expect(JSON.stringify(mail)).not.toContain('evil.example');
    const links = [...linksIn(mail.text ?? ''), ...linksIn(decodeEntities(mail.html ?? ''))];
    expect(links.length).toBeGreaterThanOrEqual(2);
    for (const link of links) expect(link).toMatch(/^http:\/\/parley\.test\/(api\/auth\/|reset-password\?)/);
  }
});

const linksIn = (text: string) => [...new Set(text.match(/\b[a-z]+:\/\/[^\s"'<>]+/g))];

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };

const decodeEntities = (html: string) =>
  html.replaceAll(/&(?:#x([0-9a-f]+)|(\w+));/gi, (_, code: string, name: string) =>
    code ? String.fromCodePoint(Number.parseInt(code, 16)) : ENTITIES[name],
  );

describe('a mail', () => {
  const { publicUrl } = readSettings({ PUBLIC_URL: 'https://chat.example.com/parley/' });
  const NAME = `<b>"Max" & 'Moritz'</b> {{token}}`;
  const ADDRESS = `o'reilly+<i>"&co"</i>@example.com`;
  const PLAIN = {
    username: 'max',
    name: NAME,
    address: ADDRESS,
    token: SOME_TOKEN,
    publicUrl,
  };
  const VERIFY = `https://chat.example.com/parley/api/auth/verify-email?token=${SOME_TOKEN}`;
  const PAGE = `https://chat.example.com/parley/reset-password?token=${SOME_TOKEN}`;

  test.each([
    ['verify-email', WELCOME, [VERIFY], [VERIFY]],
    ['verify-new-email', /^Verify your new email address$/, [VERIFY], [VERIFY]],
    ['reset-password', RESET, [PAGE, 'https://chat.example.com/parley/api/auth/reset-password'], [PAGE]],
    ['password-changed', /^Your password was changed$/, [], []],
  ] as const)(
    '%s has a subject, text, HTML, and only links below PUBLIC_URL',
    (kind, about, links, targets) => {
      const { subject, text, html } = renderMail({ ...PLAIN, kind });
      expect(subject).toMatch(about);
      expect(linksIn(text)).toEqual(links);
      expect(linksIn(decodeEntities(html))).toEqual(links);
      const hrefs = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => decodeEntities(href));
      expect([...new Set(hrefs)]).toEqual(targets);
      expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
      // A mail loads nothing, because a request would reveal that the mail was read.
      expect(html).not.toMatch(/\ssrc=|<link\b|url\(|@import/);
      for (const part of [text, html]) expect(part).not.toMatch(/undefined|\[object|null/);
    },
  );

  test('is of one of four kinds', () => {
    expect(MAIL_KINDS.toSorted()).toEqual([
      'password-changed',
      'reset-password',
      'verify-email',
      'verify-new-email',
    ]);
  });

  describe.each(MAIL_KINDS)('%s', (kind) => {
    test('shows and escapes what users chose', () => {
      const { text, html } = renderMail({ ...PLAIN, kind });
      expect(text).toContain(`Hello ${NAME},\n`);
      expect(decodeEntities(html)).toContain(`Hello ${NAME},<`);
      expect(decodeEntities(html)).toContain(`to ${ADDRESS}, for the account max.<`);
      expect(html).not.toMatch(/<[bi]>|&co|& /);
      expect(html).not.toContain(NAME.slice(3, 8));
    });

    test('replaces line breaks and bidirectional controls in what users chose', () => {
      const plain = renderMail({ ...PLAIN, kind, name: 'Max Moritz' });
      const odd = ['\r\n\r\n', '\n', '\u0085', '\u2028', '\u2029', '\u202e', '\u2067', '\0', '\u001b'];
      for (const separator of odd) {
        expect(renderMail({ ...PLAIN, kind, name: `Max${separator}Moritz` })).toEqual(plain);
        const address = renderMail({ ...PLAIN, kind, address: `a${separator}@example.com` });
        const username = renderMail({ ...PLAIN, kind, username: `max${separator}moritz` });
        for (const part of [address, username].flatMap(({ text, html }) => [text, html])) {
          expect(part.replaceAll('\n', ''), JSON.stringify(separator)).not.toContain(
            separator === '\n' ? '\r' : separator,
          );
        }
        expect(username.text.split('\n')).toHaveLength(plain.text.split('\n').length);
        expect(address.text.split('\n')).toHaveLength(plain.text.split('\n').length);
      }
    });
  });
});

test('mail:preview writes each mail as HTML and text, and prints the folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
  const script = join(import.meta.dirname, '../../dist/src/mail-preview.js');
  const env = { PATH: process.env.PATH, DATA_DIR: folder, PUBLIC_URL: 'https://chat.example.com/parley' };
  try {
    for (const [target, args] of [
      [join(folder, 'a/new one'), [join(folder, 'a/new one')]],
      [join(folder, 'mail-preview'), []],
    ] as const) {
      const run = promisify(execFile)(process.execPath, [script, ...args], { cwd: folder, env });
      expect((await run).stdout).toBe(`4 mails, as HTML and text, are in ${target}\n`);
      const files = MAIL_KINDS.flatMap((kind) => [`${kind}.html`, `${kind}.txt`]);
      expect(readdirSync(target).toSorted()).toEqual(files.toSorted());
      for (const file of files) {
        const content = readFileSync(join(target, file), 'utf8');
        expect(content).toMatch(file.endsWith('.html') ? /^<!doctype html>/ : /^Hello /);
        for (const link of linksIn(decodeEntities(content)))
          expect(link).toMatch(/^https:\/\/chat\.example\.com\/parley\//);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
