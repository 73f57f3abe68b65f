import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#src/database/data-source.js';
import { type Finished, runCommand } from '../support/command.js';
import { digest, expectSuccess, type Json, type Member } from '../support/parley.js';
import {
  createTestDatabase,
  onMysql,
  startServer,
  type TestDatabase,
  type TestServer,
  testSettings,
} from '../support/server.js';

/** A command loads the whole server. */
const SLOW = { timeout: 120_000 };

let server: TestServer;
let env: Record<string, string>;
let alex: Member;
let sam: Member;

beforeAll(async () => {
  const database = await createTestDatabase();
  server = await startServer({}, database);
  const { dataDir, publicUrl } = server.settings;
  env = { DATABASE_URL: database.url, DATA_DIR: dataDir, PUBLIC_URL: publicUrl };
  [alex, sam] = [await server.parley.signUp('alex', { name: 'Alex' }), await server.parley.signUp('sam')];
});

afterAll(() => server.close());

/** Runs a command beside the server. */
const admin = (...words: string[]): Promise<Finished> => runCommand('admin', words, env);

/** Returns the lines that the command adds to the security log. */
const auditOf = ({ stderr }: Finished): Json[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ audit }) => audit);

/** Runs a command that must succeed. */
async function run(...words: string[]) {
  const finished = await admin(...words);
  expect(finished).toMatchObject({ code: 0 });
  return { stdout: finished.stdout, audit: auditOf(finished) };
}

async function runJson(...words: string[]) {
  const { stdout, audit } = await run(...words, '--json');
  return { data: JSON.parse(stdout), audit };
}

const line = (event: string, details: object) => [
  expect.objectContaining({ event, ...details, address: 'admin', requestId: expect.any(String) }),
];

test('users are listed, found and shown', SLOW, async () => {
  const deleted = await alex.createChat([]);
  expectSuccess(await alex.delete(`/api/chats/${deleted}`));
  const [all, found, shown] = await Promise.all([
    runJson('users', 'list', '--after', 'ALE'),
    run('users', 'list', '--search', 'lex'),
    run('users', 'show', 'Alex'),
  ]);
  const created = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(all.data).toEqual([
    { username: 'alex', name: 'Alex', email: 'alex@example.com', verified: false, created },
    { username: 'sam', name: 'sam', email: 'sam@example.com', verified: false, created },
  ]);
  expect(all.audit).toEqual([]);
  expect(found.stdout).toMatch(/^alex\tAlex\talex@example\.com\tfalse\t.*Z\n$/);
  expect(shown.stdout).toMatch(/^username {3}alex\n[^]*^chats {6}0\nsessions {3}1\n$/m);
});

test('a link to choose a new password is printed or mailed', SLOW, async () => {
  const { data, audit } = await runJson('users', 'reset-password', 'alex', '--print-link');
  expect(audit).toEqual(line('password_reset_requested', { userId: 1 }));
  expect(JSON.stringify(audit)).not.toContain('eyJ');
  const [, token] = /^http:\/\/parley\.test\/reset-password\?token=(eyJ\S+)$/.exec(data.link) ?? [];
  const password = digest('chosen by link');
  expectSuccess(await server.parley.post('/api/auth/reset-password', { password }, { token }));
  await server.parley.login('alex', password);

  const { stdout } = await run('users', 'reset-password', 'sam');
  expect(stdout).toBe('username   sam\n');
  expect(await server.mailbox.waitFor('sam@example.com', /Reset your password/)).toBeDefined();
});

test('a link that an operator mails does not wait for the limits of the user', SLOW, async () => {
  const jo = await server.parley.signUp('jo');
  for (let n = 0; n < 6; n += 1) {
    expectSuccess(await server.parley.get('/api/auth/forgot-password?username=jo'));
  }
  await server.mailbox.waitFor(jo.email, /Reset your password/, 6);
  await run('users', 'reset-password', 'jo');
  await server.mailbox.waitFor(jo.email, /Reset your password/, 7);
  await run('users', 'erase', 'jo', '--yes');
});

test('a terminal gets no control characters of users, and learns that a list goes on', SLOW, async () => {
  const name = 'A\tB\u001b[2J\u009b1m';
  const kim = await server.parley.signUp('kim', { name });
  const listed = await admin('users', 'list', '--after', 'alex', '--limit', '1');
  expect(listed.stdout).toContain('kim\tA\\x09B\\x1b[2J\\x9b1m\tkim@example.com\t');
  expect(listed.stderr).toBe('More may follow: --after kim\n');
  const { data } = await runJson('users', 'show', 'kim');
  expect(data.name).toBe(name);
  expectSuccess(await kim.delete('/api/users/kim'));
});

test('a logout ends all sessions of one user, and counts at the next request', SLOW, async () => {
  const other = await server.parley.login('sam', sam.password);
  const { audit } = await run('users', 'logout', 'sam');
  expect(audit).toEqual(line('logout', { userId: 2 }));
  expect((await sam.get('/api/chats')).body.code).toBe('token_invalid');
  expect((await server.parley.get('/api/chats', { token: other })).status).toBe(401);
  expectSuccess(await alex.get('/api/chats'));
});

test('a message and a chat are deleted, for all members', SLOW, async () => {
  const token = await server.parley.login('sam', sam.password);
  const chat = await alex.createChat([sam]);
  const index = await alex.send(chat, 'offensive');
  const { audit } = await run('messages', 'delete', chat, String(index), '--yes');
  expect(audit).toEqual(line('message_deleted', { chatId: expect.any(Number), index }));
  expect(await alex.texts(chat)).toEqual(['first']);
  const { data } = await runJson('chats', 'show', chat);
  expect(data).toEqual({
    uuid: chat,
    name: 'Chat',
    isRoom: false,
    owner: 'alex',
    members: 2,
    usernames: ['alex', 'sam'],
    messages: 1,
    lastSent: expect.any(String),
  });

  const deletion = await run('chats', 'delete', chat, '--yes');
  expect(deletion.audit).toEqual(line('chat_deleted', { chatId: expect.any(Number) }));
  const answer = await server.parley.get(`/api/chats/${chat}`, { token });
  expect(answer.body.code).toBe('chat_not_found');
});

test('an erased user is gone', SLOW, async () => {
  const { audit } = await run('users', 'erase', 'sam', '--yes');
  expect(audit).toEqual(line('user_deleted', { userId: 2 }));
  const { username, password } = sam;
  expect((await server.parley.post('/api/auth/login', { username, password })).status).toBe(401);
});

test('what is not found is code 1, and what is not understood code 2', SLOW, async () => {
  const chat = '0198f0b4-6f0a-4c5e-9d0e-3f1f7a2b4c5d';
  const [user, message, refused, help] = await Promise.all([
    admin('users', 'logout', 'nobody'),
    admin('messages', 'delete', chat, '1', '--yes'),
    admin('users', 'erase', 'alex'),
    admin('users', '--help'),
  ]);
  expect(user).toMatchObject({ code: 1, stdout: '' });
  expect(user.stderr).toMatch(/'nobody' does not exist\n$/);
  expect(message).toMatchObject({ code: 1, stdout: '' });
  for (const { stderr } of [user, message]) expect(stderr).not.toMatch(/^\s+at /m);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/^'--yes' is missing\n\nUsage:/);
  expect(help).toMatchObject({ code: 0, stderr: '' });
});

describe('a command', () => {
  let database: TestDatabase;
  let own: Record<string, string>;

  beforeEach(async () => {
    database = await createTestDatabase();
    own = { DATABASE_URL: database.url, DATA_DIR: join(database.dataDir, 'data') };
  });

  afterEach(() => database.drop());

  /** Runs a command that must fail with one line. */
  async function refusal(words: string[], settings = own): Promise<string> {
    const finished = await runCommand('admin', words, settings);
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(finished.stderr).toMatch(/^[^\n]+\n$/);
    return finished.stderr.trim();
  }

  const JWT_SECRET = { JWT_SECRET: 's'.repeat(32) };

  test('creates neither a secret nor a database', SLOW, async () => {
    expect(await refusal(['users', 'list'])).toMatch(/^There is no secret .*jwt-secret, and JWT_SECRET/);
    expect(await refusal(['users', 'list'], { ...own, ...JWT_SECRET })).toMatch(
      onMysql ? /^The database mysql:.* lacks \d+ migrations/ : /^There is no database .*parley\.sqlite$/,
    );
    expect(readdirSync(database.dataDir)).toEqual([]);
  });

  test('migrates nothing', SLOW, async () => {
    const settings = testSettings({ ...database, dataDir: own.DATA_DIR });
    const { writer, reader } = await openDatabase(settings);
    await writer.undoLastMigration({ transaction: 'each' });
    const before = await writer.query('SELECT name FROM migrations');
    expect(await refusal(['users', 'list'])).toMatch(/lacks 1 migrations: start the server first$/);
    expect(await writer.query('SELECT name FROM migrations')).toEqual(before);
    if (reader !== writer) await reader.destroy();
    await writer.destroy();
  });

  test('ends when its services cannot start', SLOW, async () => {
    const stopped = await startServer({}, { ...database, dataDir: own.DATA_DIR });
    await stopped.stop();
    const finished = await runCommand('admin', ['users', 'list'], {
      ...own,
      STORAGE_URL: 'file:/dev/null/x',
    });
    expect(finished).toMatchObject({ code: 1, stdout: '' });
  });

  test('leaves mails to the server', SLOW, async () => {
    const first = await startServer({}, { ...database, dataDir: own.DATA_DIR });
    await first.parley.signUp('sam');
    await first.mailbox.waitFor('sam@example.com', /./);
    await first.stop();
    const finished = await runCommand('admin', ['users', 'reset-password', 'sam'], own);
    expect(finished).toMatchObject({ code: 0 });
    const mails = await first.mailbox.all('sam@example.com');
    expect(mails.map(({ subject }) => subject)).not.toContainEqual(expect.stringMatching(/Reset/));
  });
});
