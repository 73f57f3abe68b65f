import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSettings, StartError } from '#src/config/settings.js';
import { digest, expectSuccess, Member, type Parley } from '../support/parley.js';
import { request } from '../support/raw-http.js';
import { createTestDatabase, onMysql, type TestDatabase } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let started: ServerProcess[];

beforeEach(async () => {
  database = await createTestDatabase();
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((server) => server.end('SIGKILL')));
  await database.drop();
});

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start(database, env);
  started.push(server);
  return server;
}

/** Starts the server, which must fail with nothing but a message to the operator; returns the message. */
async function startError(env: Record<string, string>): Promise<string> {
  const server = ServerProcess.spawn(database, env);
  started.push(server);
  expect(await server.exited).toEqual({ code: 1, signal: null });
  expect(server.stdout).toBe('');
  expect(server.stderr).not.toMatch(/^\s+at /m);
  return server.stderr.trim();
}

/** Returns the same user as a client of another process of the server. */
const memberAt = (parley: Parley, { username, name, email, password, token }: Member) =>
  new Member(parley, username, name, email, password, token);

describe('the server starts', () => {
  test('on an empty folder, and prints its addresses', async () => {
    const server = await start();
    const data = join(database.dataDir, 'data');
    const lines = server.stdout.trim().split('\n');
    expect(lines.map((line) => line.trim().split(/\s{2,}/))).toEqual([
      [expect.stringMatching(/^Parley listens on http:\/\/127\.0\.0\.1:\d+$/)],
      ['API docs', expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/api\/docs$/)],
      [
        'database',
        onMysql
          ? expect.stringMatching(/^mysql:\/\/127\.0\.0\.1:3306\/parley_test_/)
          : `sqlite:${join(data, 'parley.sqlite')}`,
      ],
      ['mails to', join(data, 'mail')],
    ]);
    const secret = join(data, 'jwt-secret');
    expect(readFileSync(secret, 'utf8').trim().length).toBeGreaterThanOrEqual(32);
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    expect(existsSync(join(data, 'parley.sqlite'))).toBe(!onMysql);
    for (const path of [data, ...(onMysql ? [] : [join(data, 'parley.sqlite')])]) {
      expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
    }
    const chat = await (await (await server.parley()).signUp('alex')).createChat([]);
    expect(chat).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('with settings from .env, which the environment overrides, and prints no password', async () => {
    const smtp = 'SMTP_URL=smtp://mailer:open-sesame@127.0.0.1:1';
    writeFileSync(
      join(database.dataDir, '.env'),
      `PUBLIC_URL=https://chat.example\nLOG_LEVEL=loud\n${smtp}\n`,
    );
    const server = await start({ LOG_LEVEL: 'info' });
    expect(server.stdout).toContain('https://chat.example/api/docs');
    expect(server.stdout).toMatch(/mails to {2}127\.0\.0\.1:1$/m);
    expect(server.output).not.toContain('open-sesame');
  });

  test('a second time with its data, and accepts old tokens', async () => {
    const first = await start();
    const alex = await (await first.parley()).signUp('alex');
    const chat = await alex.createChat([], { message: 'first' });
    await alex.send(chat, 'second 😀');
    await first.end();

    const again = memberAt(await (await start()).parley(), alex);
    expect(await again.texts(chat)).toEqual(['first', 'second 😀']);
    expect(await again.send(chat, 'third')).toBe(2);
    expect(await again.parley.login('alex', digest('password of alex'))).toMatch(/^eyJ/);
    expectSuccess(await again.get('/api/auth/logout'));
    expect((await again.get('/api/chats')).status).toBe(401);
  });

  test.runIf(onMysql)('twice on one database, and each process accepts the tokens of the other', async () => {
    const secret = { JWT_SECRET: 'one secret for all of the instances' };
    const [one, other] = [await start(secret), await start(secret)];
    const alex = await (await one.parley()).signUp('alex');
    const there = memberAt(await other.parley(), alex);
    const chat = await there.createChat([]);
    expect(await Promise.all([alex.send(chat, 'a'), there.send(chat, 'b')])).toEqual(
      expect.arrayContaining([1, 2]),
    );
    expectSuccess(await there.get('/api/auth/logout'));
    expect((await alex.get('/api/chats')).status).toBe(401);
  });
});

describe('the server does not start', () => {
  test('when the database cannot be reached', async () => {
    const message = await startError({ DATABASE_URL: 'mysql://root:open-sesame@127.0.0.1:1/parley' });
    expect(message).toMatch(
      /^Parley cannot start, the database mysql:\/\/127\.0\.0\.1:1\/parley failed: .*ECONNREFUSED/,
    );
    expect(message).not.toContain('open-sesame');
    expect(message.split('\n')).toHaveLength(1);
  });

  test.runIf(onMysql)('when the database does not exist', async () => {
    const url = new URL(database.url);
    url.pathname = '/parley_test_unknown';
    const message = await startError({ DATABASE_URL: url.href });
    expect(message).toMatch(
      /^Parley cannot start, the database .*parley_test_unknown failed: Unknown database/,
    );
    expect(message.split('\n')).toHaveLength(1);
  });

  test.runIf(onMysql)('when the database rejects the user', async () => {
    const url = new URL(database.url);
    [url.username, url.password] = ['stranger', 'open-sesame'];
    const message = await startError({ DATABASE_URL: url.href });
    expect(message).toMatch(/^Parley cannot start, the database .* failed: Access denied/);
    expect(message).not.toContain('open-sesame');
  });

  test.runIf(!onMysql)('when the file is not a database', async () => {
    const file = join(database.dataDir, 'no-database');
    writeFileSync(file, 'hello '.repeat(1000));
    const message = await startError({ DATABASE_URL: `sqlite:${file}` });
    expect(message).toMatch(/^Parley cannot start, the database sqlite:.*no-database failed: /);
    expect(readFileSync(file, 'utf8')).toBe('hello '.repeat(1000));
  });

  test('when settings are invalid, and names them all', async () => {
    const message = await startError({
      PORT: '70000',
      DATABASE_URL: 'postgres://u:open-sesame@h/d',
      TOKEN_TTL: '3 days',
      REQUIRE_VERIFIED_EMAIL: 'yes',
      JWT_SECRET: 'open-sesame',
      PUBLIC_URL: 'chat.example',
      SMTP_URL: 'http://mailer:open-sesame@h',
      MAIL_FROM: 'nobody',
      MAX_MESSAGE_LENGTH: '0',
      LOG_LEVEL: 'loud',
    });
    const [first, ...rest] = message.split('\n');
    expect(first).toBe('Parley cannot start, settings at fault:');
    expect(rest.map((line) => line.trim().split(' ')[0]).toSorted()).toEqual([
      'DATABASE_URL',
      'JWT_SECRET',
      'LOG_LEVEL',
      'MAIL_FROM',
      'MAX_MESSAGE_LENGTH',
      'PORT',
      'PUBLIC_URL',
      'REQUIRE_VERIFIED_EMAIL',
      'SMTP_URL',
      'TOKEN_TTL',
    ]);
    expect(message).not.toContain('open-sesame');
    expect(existsSync(join(database.dataDir, 'data'))).toBe(false);
  });

  test.runIf(onMysql)('in production with MySQL when JWT_SECRET is not set', async () => {
    expect(await startError({ NODE_ENV: 'production' })).toMatch(/^ {2}JWT_SECRET /m);
  });

  test('when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const message = await startError({ PORT: String(port) });
    expect(message).toMatch(
      new RegExp(`^Parley cannot start, it cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
    );
    expect(message.split('\n')).toHaveLength(1);
    await new Promise((resolve) => other.close(resolve));
  });

  test('when the port of the metrics is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const message = await startError({ METRICS_PORT: String(port) });
    expect(message).toMatch(
      new RegExp(`^Parley cannot start, it cannot serve metrics on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
    );
    expect(message.split('\n')).toHaveLength(1);
    await new Promise((resolve) => other.close(resolve));
  });

  test('when DATA_DIR is a file', async () => {
    const inTheWay = join(database.dataDir, 'in-the-way');
    writeFileSync(inTheWay, '');
    const message = await startError({ DATA_DIR: inTheWay });
    expect(message).toMatch(/^Parley cannot start, DATA_DIR .*in-the-way/);
    expect(message.split('\n')).toHaveLength(1);
  });
});

describe('settings are rejected', () => {
  test.each([
    ['a folder that cannot be created', 'in-the-way/data', {}],
    ['a folder that is a file', 'in-the-way', {}],
    ['a folder that is a file, and a secret', 'in-the-way', { JWT_SECRET: 'x'.repeat(32) }],
  ])('with %s', (_, folder, env) => {
    writeFileSync(join(database.dataDir, 'in-the-way'), '');
    const settings = { ...env, DATA_DIR: join(database.dataDir, folder), DATABASE_URL: database.url };
    expect(() => readSettings(settings)).toThrow(StartError);
    expect(() => readSettings(settings)).toThrow(/^Parley cannot start, DATA_DIR .*in-the-way/);
  });

  test('with a stored secret that is too short', () => {
    writeFileSync(join(database.dataDir, 'jwt-secret'), 'short');
    const read = () => readSettings({ DATA_DIR: database.dataDir });
    expect(read).toThrow(/^Parley cannot start, .*jwt-secret holds no secret of 32 characters$/);
  });

  test.each(['mysql://root:%zz@h/parley', 'mysql://%zz@h/parley', 'mysql://root@h/%zz', 'mysql://root@h'])(
    'with DATABASE_URL=%s',
    (url) => {
      const read = () => readSettings({ DATA_DIR: database.dataDir, DATABASE_URL: url });
      expect(read).toThrow(StartError);
      expect(read).toThrow(/ {2}DATABASE_URL must look like /);
    },
  );
});

describe('the server exits', () => {
  /** Sends the head of a request, and resolves when the server has asked for the body. */
  async function begin(server: ServerProcess, path: string, token: string, body: string) {
    const headers = { Authorization: token, 'Content-Type': 'application/json', Expect: '100-continue' };
    const bytes = request('POST', path, { headers: { ...headers, Connection: 'keep-alive' }, body });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').setEncoding('utf8');
    let received = '';
    socket.on('error', () => {}).on('data', (text: string) => (received += text));
    socket.write(bytes.slice(0, -body.length));
    await until('the server to ask for the body', () => received.includes('HTTP/1.1 100 ') || undefined);
    received = '';
    return {
      socket,
      /** Sends the body, and `more` behind it; resolves with everything that the server sends. */
      async finish(more = ''): Promise<string> {
        socket.write(body + more);
        await new Promise((resolve) => socket.once('close', resolve));
        return received;
      },
    };
  }

  const isListening = (server: ServerProcess) =>
    fetch(server.url).then(
      () => true,
      () => false,
    );

  test.each(['SIGTERM', 'SIGINT'] as const)('on %s with code 0 and without warnings', async (signal) => {
    const server = await start();
    await (await server.parley()).signUp('alex');
    expect(await server.end(signal)).toEqual({ code: 0, signal: null });
    expect(server.stderr).not.toMatch(/"level":[456]0/);
  });

  test('only when all open requests are answered, in the dialect', async () => {
    const server = await start();
    const alex = await (await server.parley()).signUp('alex');
    const chat = await alex.createChat([]);
    const body = JSON.stringify({ type: 'message', message: 'under way' });
    const path = `/api/chats/${chat}/messages`;
    const sends = await Promise.all([1, 2, 3].map(() => begin(server, path, alex.token, body)));
    const credentials = JSON.stringify({ username: 'alex', password: alex.password });
    const login = await begin(server, '/api/auth/login', alex.token, credentials);
    const overtaken = await begin(server, path, alex.token, body);

    server.signal('SIGTERM');
    await until(
      'the server to refuse new connections',
      async () => !(await isListening(server)) || undefined,
    );
    const late = request('GET', '/api/chats', { headers: { Authorization: alex.token } });
    const answers = await Promise.all([
      overtaken.finish(late),
      ...[...sends, login].map((call) => call.finish()),
    ]);

    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"status":"success"/);
    // The late request may be served, rejected or not read, but never answered by Fastify itself.
    expect(answers[0]).not.toContain('statusCode');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const again = memberAt(await (await start()).parley(), alex);
    expect(await again.texts(chat)).toEqual(['first', ...Array<string>(4).fill('under way')]);
  });

  test('after a timeout, when a client never finishes its request or never reads its answer', async () => {
    const server = await start();
    const alex = await (await server.parley()).signUp('alex');
    const stalled = await begin(server, '/api/chats', alex.token, '{"name":"never sent"}');
    const deaf = connect(Number(new URL(server.url).port), '127.0.0.1').pause();
    // The server resets the connection in the end.
    deaf.on('error', () => {});
    deaf.write(request('GET', '/api/docs/swagger-ui-bundle.js'));
    // The answer has begun, and its rest is never read.
    await once(deaf, 'readable');
    expect(await server.end()).toEqual({ code: 0, signal: null });
    stalled.socket.destroy();
    deaf.destroy();
  });

  test('on kill -9 while messages are sent, and loses no acknowledged message', async () => {
    const server = await start();
    const parley = await server.parley();
    const members = [await parley.signUp('alex'), await parley.signUp('sam')];
    const chats = [await members[0].createChat([members[1]]), await members[1].createChat([members[0]])];
    const acknowledged: { chat: string; index: number; message: string }[] = [];

    async function sendUntilItDies(member: Member, chat: string, name: string): Promise<void> {
      for (let count = 0; ; count += 1) {
        const message = `${name} ${count}`;
        const index = await member.send(chat, message).catch(() => undefined);
        if (index === undefined) return;
        acknowledged.push({ chat, index, message });
      }
    }

    const streams = [0, 1, 2, 3, 4, 5, 6, 7].map((number) =>
      sendUntilItDies(members[number % 2], chats[number % 3 === 0 ? 0 : 1], `stream ${number}`),
    );
    await until('many messages', () => acknowledged.length >= 100 || undefined);
    expect(await server.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    await Promise.all(streams);

    const alex = memberAt(await (await start()).parley(), members[0]);
    for (const chat of chats) {
      const { messages } = await alex.list(chat, '?per_page=1000&order=desc');
      const stored = new Map<number, string>(
        messages.map(({ index, message }: { index: number; message: string }) => [index, message]),
      );
      const expected = acknowledged.filter((sent) => sent.chat === chat);
      expect(expected.filter(({ index, message }) => stored.get(index) !== message)).toEqual([]);
      expect([...stored.keys()].toSorted((a, b) => a - b)).toEqual([...stored.keys()].toReversed());
      expect(await alex.send(chat, 'and on')).toBe(stored.size);
    }
  });
});
