import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { readSettings, StartError } from '#src/config/settings.js';
import { databaseLabel, openDatabase } from '#src/database/data-source.js';

const root = mkdtempSync(join(tmpdir(), 'parley-settings-'));
const SECRET = 's'.repeat(32);

let dataDir: string;
let counter = 0;

beforeEach(() => {
  counter += 1;
  dataDir = join(root, String(counter));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const read = (env: Record<string, string> = {}) => readSettings({ DATA_DIR: dataDir, ...env });

/** What the operator reads when these settings stop the start. */
function complaint(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('the settings were accepted');
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 3000,
  publicUrl: 'http://127.0.0.1:3000',
  tokenTtl: 259_200,
  requireVerifiedEmail: false,
  smtpUrl: null,
  maxMessageLength: 16_383,
  logLevel: 'info',
  hashing: { memoryCost: 19_456, timeCost: 2 },
};

test('without any setting the defaults hold', () => {
  expect(read()).toMatchObject({
    ...DEFAULTS,
    dataDir,
    database: { kind: 'sqlite', file: join(dataDir, 'parley.sqlite') },
  });
});

test('an empty variable counts as not set', () => {
  const names = [
    'HOST',
    'PORT',
    'PUBLIC_URL',
    'DATABASE_URL',
    'JWT_SECRET',
    'TOKEN_TTL',
    'SMTP_URL',
    'LOG_LEVEL',
  ];
  expect(read(Object.fromEntries(names.map((name) => [name, ''])))).toMatchObject(DEFAULTS);
});

test('the data directory is ./data unless it is set', () => {
  expect(readSettings({ JWT_SECRET: SECRET }).dataDir).toBe(resolve('data'));
});

test('each setting is taken', () => {
  const settings = read({
    HOST: '0.0.0.0',
    PORT: '8080',
    PUBLIC_URL: 'https://chat.example.com/parley/',
    JWT_SECRET: SECRET,
    TOKEN_TTL: '60',
    REQUIRE_VERIFIED_EMAIL: 'true',
    SMTP_URL: 'smtps://user:pass@mail.example.com:465',
    MAIL_FROM: 'Chat <chat@example.com>',
    MAX_MESSAGE_LENGTH: '100',
    LOG_LEVEL: 'silent',
  });
  expect(settings).toMatchObject({
    host: '0.0.0.0',
    port: 8080,
    publicUrl: 'https://chat.example.com/parley',
    jwtSecret: SECRET,
    tokenTtl: 60,
    requireVerifiedEmail: true,
    smtpUrl: 'smtps://user:pass@mail.example.com:465',
    mailFrom: 'Chat <chat@example.com>',
    maxMessageLength: 100,
    logLevel: 'silent',
  });
});

test.each([
  [{ PORT: '8080' }, 'http://127.0.0.1:8080'],
  [{ HOST: 'localhost' }, 'http://localhost:3000'],
  [{ HOST: '::1', PORT: '80' }, 'http://[::1]:80'],
])('with %j links begin with %s', (env, publicUrl) => {
  expect(read(env).publicUrl).toBe(publicUrl);
});

test.each([
  [
    'mysql://user:pa%2Fss%40@db.example.com:3307/chat',
    { kind: 'mysql', host: 'db.example.com', port: 3307, user: 'user', password: 'pa/ss@', name: 'chat' },
  ],
  [
    'mysql://root@127.0.0.1/chat',
    { kind: 'mysql', host: '127.0.0.1', port: 3306, user: 'root', password: '', name: 'chat' },
  ],
  [
    'mysql://root@[::1]:3306/chat',
    { kind: 'mysql', host: '::1', port: 3306, user: 'root', password: '', name: 'chat' },
  ],
  ['sqlite:/var/lib/parley.sqlite', { kind: 'sqlite', file: '/var/lib/parley.sqlite' }],
  ['sqlite:./x.sqlite', { kind: 'sqlite', file: resolve('x.sqlite') }],
])('DATABASE_URL %s is understood', (url, database) => {
  expect(read({ DATABASE_URL: url }).database).toEqual(database);
});

test.each([
  ['HOST', 'not a host'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '3e3'],
  ['PORT', '03000'],
  ['PORT', '80.5'],
  ['PORT', 'http'],
  ['PUBLIC_URL', 'chat.example.com'],
  ['PUBLIC_URL', 'ftp://chat.example.com'],
  ['PUBLIC_URL', 'https://chat.example.com/?a=b'],
  ['PUBLIC_URL', 'https://chat.example.com/#a'],
  ['DATABASE_URL', 'postgres://user:pass@host/name'],
  ['DATABASE_URL', 'mysql://root@127.0.0.1:3306'],
  ['DATABASE_URL', 'mysql://root@127.0.0.1:3306/'],
  ['DATABASE_URL', 'mysql://root:100%@127.0.0.1/chat'],
  ['DATABASE_URL', 'mysql://root@127.0.0.1/ch%zzat'],
  ['DATABASE_URL', 'sqlite:'],
  ['DATABASE_URL', 'sqlite::memory:'],
  ['DATABASE_URL', 'chat.sqlite'],
  ['JWT_SECRET', 's'.repeat(31)],
  ['TOKEN_TTL', '0'],
  ['TOKEN_TTL', '3 days'],
  ['REQUIRE_VERIFIED_EMAIL', 'yes'],
  ['REQUIRE_VERIFIED_EMAIL', 'TRUE'],
  ['SMTP_URL', 'mail.example.com:25'],
  ['SMTP_URL', 'http://mail.example.com'],
  ['SMTP_URL', 'smtp://'],
  ['MAIL_FROM', 'Parley'],
  ['MAIL_FROM', 'Chat <chat@example.com'],
  ['MAIL_FROM', 'chat@example.com\r\nBcc: all@example.com'],
  ['MAX_MESSAGE_LENGTH', '0'],
  ['MAX_MESSAGE_LENGTH', '16384'],
  ['LOG_LEVEL', 'loud'],
])('%s=%j stops the start', (name, value) => {
  expect(complaint({ [name]: value })).toContain(`  ${name} must `);
});

test('one message names every setting at fault', () => {
  const bad = {
    PORT: 'x',
    PUBLIC_URL: 'x',
    DATABASE_URL: 'x',
    JWT_SECRET: 'x',
    TOKEN_TTL: 'x',
    REQUIRE_VERIFIED_EMAIL: 'x',
    SMTP_URL: 'x',
    MAIL_FROM: 'x',
    MAX_MESSAGE_LENGTH: 'x',
    LOG_LEVEL: 'x',
  };
  const message = complaint(bad);
  for (const name of Object.keys(bad)) expect(message).toContain(`\n  ${name} must `);
  expect(message.split('\n')).toHaveLength(1 + Object.keys(bad).length);
  expect(existsSync(dataDir)).toBe(false);
});

test('the message repeats no secret', () => {
  const message = complaint({
    DATABASE_URL: 'postgres://root:hunter2@127.0.0.1/chat',
    SMTP_URL: 'http://parley:hunter2@mail.example.com',
    JWT_SECRET: 'hunter2',
    PUBLIC_URL: 'ftp://parley:hunter2@chat.example.com',
  });
  expect(message).not.toContain('hunter2');
});

test('a database is described, and its failure told, without its password', async () => {
  const { database } = read({ DATABASE_URL: 'mysql://root:hunter2@127.0.0.1:1/chat' });
  expect(databaseLabel(database)).toBe('mysql://127.0.0.1:1/chat');
  const error: unknown = await openDatabase(database).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StartError);
  expect((error as StartError).message).toContain('mysql://127.0.0.1:1/chat');
  expect((error as StartError).message).not.toContain('hunter2');
});

test('a secret is generated once, for its owner’s eyes alone', () => {
  const { jwtSecret } = read();
  const file = join(dataDir, 'jwt-secret');
  expect(jwtSecret.length).toBeGreaterThanOrEqual(32);
  expect(readFileSync(file, 'utf8')).toContain(jwtSecret);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(read().jwtSecret).toBe(jwtSecret);
});

test('each installation has a secret of its own', () => {
  expect(read({ DATA_DIR: `${dataDir}-a` }).jwtSecret).not.toBe(read({ DATA_DIR: `${dataDir}-b` }).jwtSecret);
});

test('a secret that is given is not written down', () => {
  expect(read({ JWT_SECRET: SECRET }).jwtSecret).toBe(SECRET);
  expect(existsSync(join(dataDir, 'jwt-secret'))).toBe(false);
});

test('a generated secret that was cut off stops the start', () => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'jwt-secret'), 'short');
  expect(complaint({})).toContain('jwt-secret');
});

test('a data directory that cannot be made stops the start', () => {
  writeFileSync(dataDir, 'a file');
  expect(complaint({ DATA_DIR: join(dataDir, 'below') })).toContain('DATA_DIR');
});

test('in production with MySQL the secret must be set', () => {
  const production = { NODE_ENV: 'production', DATABASE_URL: 'mysql://root@127.0.0.1/chat' };
  expect(complaint(production)).toContain('  JWT_SECRET must be set');
  expect(read({ ...production, JWT_SECRET: SECRET }).jwtSecret).toBe(SECRET);
});

test.each<Record<string, string>>([
  { NODE_ENV: 'production' },
  { NODE_ENV: 'development', DATABASE_URL: 'mysql://root@127.0.0.1/chat' },
])('with %j it is generated', (env) => {
  expect(read(env).jwtSecret.length).toBeGreaterThanOrEqual(32);
});

test('.env is read, and the environment wins over it', () => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, '.env'), `PORT=4001\nHOST=from-file\nJWT_SECRET=${SECRET}\n`);
  const script = `
    const { loadSettings } = await import(${JSON.stringify(import.meta.resolve('#src/config/settings.js'))});
    const { host, port } = loadSettings();
    console.log(JSON.stringify({ host, port }));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dataDir,
    env: { HOST: 'from-environment' },
    encoding: 'utf8',
  });
  expect(JSON.parse(stdout)).toEqual({ host: 'from-environment', port: 4001 });
});
