import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectFailure } from '../support/failure.js';
import { Mailbox } from '../support/mailbox.js';
import { type Answer, digest, type Member, type Parley, expectSuccess } from '../support/parley.js';
import { exchange, request } from '../support/raw-http.js';
import { createTestDatabase, type TestDatabase } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';

const JWT = /eyJ[\w-]{5,}\.[\w-]+\.[\w-]+/;
const HASH = /\$argon2/;

let database: TestDatabase;
let server: ServerProcess;
let parley: Parley;
let alex: Member;
let sam: Member;
let chat: string;
/** Texts that must never appear in the output of the server. */
const secrets = new Set<string>();
const unexpected: Answer[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  server = await ServerProcess.start(database, { LOG_LEVEL: 'trace', PUBLIC_URL: 'http://parley.test' });
  parley = await server.parley();
  alex = await parley.signUp('alex');
  sam = await parley.signUp('sam');
  chat = await alex.createChat([sam], { message: 'a message that is nobody else’s business' });
});

afterAll(async () => {
  await server.end();
  await database.drop();
});

/** Runs a statement on a connection of its own. */
async function runSql<Row>(statement: string): Promise<Row[]> {
  const source = new DataSource(
    database.url
      ? { type: 'mysql', url: database.url }
      : { type: 'better-sqlite3', database: join(database.dataDir, 'data/parley.sqlite') },
  );
  await source.initialize();
  const rows = await source.query<Row[]>(statement);
  await source.destroy();
  return rows;
}

async function storedHashes(): Promise<string[]> {
  const users = await runSql<{ password_hash: string }>('SELECT password_hash FROM users');
  expect(users).toHaveLength(2);
  return users.map((user) => user.password_hash);
}

function expectSilence(): void {
  const { output } = server;
  const leaked = [...secrets].filter((secret) => output.includes(secret));
  expect(leaked).toEqual([]);
  expect(output).not.toMatch(JWT);
  expect(output).not.toMatch(HASH);
  expect(output).not.toMatch(/"(authorization|password|token)":"(?!\[Redacted\])/i);
}

test('successful calls and mistakes of callers log no secret', async () => {
  const mailbox = new Mailbox(join(database.dataDir, 'data/mail'));
  const wrong = digest('wrong');
  const path = `/api/chats/${chat}/messages`;
  await parley.get('/api/auth/forgot-password?username=alex');
  const verification = await mailbox.waitForToken(alex.email, /verify/i);
  const reset = await mailbox.waitForToken(alex.email, /reset/i);

  expectFailure(await parley.post('/api/auth/login', { username: 'alex', password: wrong }), 401);
  expectFailure(await parley.post('/api/auth/login', { username: 'alex', password: `${wrong}x` }), 400);
  expectFailure(await parley.post('/api/users', { ...credentialsOf(sam), email: 'sam@e.x' }), 409);
  expectFailure(await parley.request('POST', '/api/users', { raw: `{"password":"${wrong}"` }), 400);
  expectFailure(await parley.get('/api/chats', { token: `${alex.token}x` }), 401);
  expectFailure(await parley.get('/api/chats', { token: reset }), 401);
  expectFailure(await parley.get(`/api/nope?token=${verification}`), 404);
  expectFailure(await parley.get(`/api/${verification}`), 404);
  expectFailure(await alex.get(`/api/users/%ff${verification}`), 400);
  expectFailure(await parley.get(`/api/auth/verify-email?token=${reset}`), 401);
  expectFailure(await sam.put('/api/users/alex', { password: wrong }), 403);
  expectFailure(await alex.post(path, { type: 'message', message: 'x'.repeat(20_000) }), 400);
  expectFailure(await alex.post(path, { type: 'message', message: 'x'.repeat(2_000_000) }), 413);
  const { uuid } = expectSuccess(await alex.post(path, { type: 'file', filename: 'a.txt' })).data;
  const form = new FormData();
  form.set('file', new Blob(['nobody else’s business']));
  const upload = await fetch(`${server.url}/api/files/${uuid}`, {
    method: 'POST',
    headers: { authorization: alex.token },
    body: form,
  });
  expect(upload.status).toBe(200);
  const headers = { Authorization: alex.token };
  await exchange(
    server.url,
    request('GET', `/api/chats?token=${reset}`, { headers: { ...headers, 'X ': 'y' } }),
  );
  await exchange(server.url, request('GET', '/', { headers: { ...headers, 'X-Long': 'x'.repeat(20_000) } }));
  expect((await parley.get(`/api/auth/verify-email?token=${verification}`)).status).toBe(200);
  const changed = digest('changed');
  const answer = await parley.post('/api/auth/reset-password', { password: changed }, { token: reset });
  expect(answer.status).toBe(200);
  const last = await parley.login('alex', changed);

  const secret = readFileSync(join(database.dataDir, 'data/jwt-secret'), 'utf8').trim();
  const passwords = [alex.password, sam.password, wrong, changed];
  const tokens = [alex.token, sam.token, verification, reset, last];
  const signatures = tokens.map((token) => token.split('.')[2]);
  for (const each of [secret, ...passwords, ...tokens, ...signatures, ...(await storedHashes())]) {
    secrets.add(each);
  }
  secrets.add('nobody else’s business');
  expectSilence();
});

const credentialsOf = ({ username, name, password }: Member) => ({ username, name, password });

test('failures of the server log no secret, and callers get no details', async () => {
  const credentials = { username: 'alex', password: digest('changed') };
  const newcomer = { username: 'new', password: digest('new'), email: 'new@e.x', name: 'New' };
  secrets.add(newcomer.password);
  const path = `/api/chats/${chat}/messages`;
  const fail = async (call: Promise<Answer>) => {
    const answer = await call;
    expect(expectFailure(answer, 500)).toBe('internal server error');
    unexpected.push(answer);
  };

  await runSql('DROP TABLE mails');
  await fail(parley.post('/api/users', newcomer));
  await fail(parley.get('/api/auth/forgot-password?username=alex'));
  await fail(sam.put('/api/users/sam', { password: digest('new'), email: 'other@e.x' }));
  for (const table of ['files', 'messages', 'sender_blocks', 'idempotency_keys'])
    await runSql(`DROP TABLE ${table}`);
  await fail(sam.get('/api/chats'));
  await fail(sam.get(path));
  await fail(sam.post(path, { type: 'message', message: 'nobody else’s business' }));
  await runSql('DROP TABLE tokens');
  await fail(parley.post('/api/auth/login', credentials));
  await fail(sam.get('/api/chats'));
  for (const table of ['members', 'rooms', 'chats', 'user_search_terms', 'users'])
    await runSql(`DROP TABLE ${table}`);
  await fail(parley.post('/api/auth/login', credentials));
  await fail(parley.post('/api/users', newcomer));
  expectSilence();
});

test('each failure is logged once, with its stack and the request id that the caller got', () => {
  const lines = server.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; reqId?: string; err?: { stack: string } });
  const ids = new Set(unexpected.map(({ headers }) => headers.get('x-request-id')));
  expect(ids.size).toBeGreaterThan(8);
  for (const id of ids) {
    const told = lines.filter(({ reqId, level }) => reqId === id && level >= 50);
    expect(told).toEqual([
      expect.objectContaining({ err: expect.objectContaining({ stack: expect.stringMatching(/\n\s+at /) }) }),
    ]);
  }
  const others = lines.filter(({ level, reqId }) => level >= 50 && !ids.has(reqId ?? ''));
  expect(others).toEqual([]);
});

test('the server still answers, and stops normally', async () => {
  expectFailure(await parley.get('/api/chats'), 401);
  expect(await server.end()).toEqual({ code: 0, signal: null });
  expectSilence();
});
