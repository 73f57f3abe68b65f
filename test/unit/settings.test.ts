import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { environmentSchema } from '#src/config/environment.js';
import { readSettings, StartError } from '#src/config/settings.js';
import { databaseLabel, openDatabase } from '#src/database/data-source.js';

const root = mkdtempSync(join(tmpdir(), 'parley-settings-'));
const SECRET = 's'.repeat(32);
const VARIABLES = Object.keys(environmentSchema.shape);

let dataDir: string;
let counter = 0;

beforeEach(() => {
  counter += 1;
  dataDir = join(root, String(counter));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const read = (env: Record<string, string> = {}) => readSettings({ DATA_DIR: dataDir, ...env });

/** The message that the operator reads when these settings stop the start. */
function messageFor(env: Record<string, string>): string {
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
  redisUrl: null,
  maxMessageLength: 16_383,
  maxFileSize: 104_857_600,
  trustedProxies: [],
  isRegistrationOpen: true,
  corsOrigins: '*',
  rateLimits: true,
  shutdownGrace: 0,
  databasePool: 10,
  metricsHost: '127.0.0.1',
  metricsPort: null,
  mailFrom: 'Parley <parley@127.0.0.1>',
  logLevel: 'info',
  hashing: { memoryCost: 19_456, timeCost: 2 },
};

test('unset settings have their defaults', () => {
  expect(read()).toMatchObject({
    ...DEFAULTS,
    dataDir,
    database: { kind: 'sqlite', file: join(dataDir, 'parley.sqlite') },
    storage: { kind: 'disk', folder: join(dataDir, 'files') },
  });
});

test('an empty variable counts as not set', () => {
  const empty = Object.fromEntries(VARIABLES.map((name) => [name, '']));
  expect(read({ ...empty, DATA_DIR: dataDir })).toMatchObject(DEFAULTS);
});

test('the data directory is ./data unless it is set', () => {
  expect(readSettings({ JWT_SECRET: SECRET }).dataDir).toBe(resolve('data'));
});

test('each setting can be set', () => {
  const settings = read({
    HOST: '0.0.0.0',
    PORT: '8080',
    PUBLIC_URL: 'https://chat.example.com/parley/',
    JWT_SECRET: SECRET,
    TOKEN_TTL: '60',
    REQUIRE_VERIFIED_EMAIL: 'true',
    SMTP_URL: 'smtps://user:pass@mail.example.com:465',
    MAIL_FROM: 'Chat <chat@example.com>',
    REDIS_URL: 'rediss://:pass@redis.example.com:6380/1',
    MAX_FILE_SIZE: '1000',
    MAX_MESSAGE_LENGTH: '100',
    TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8',
    REGISTRATION: 'closed',
    CORS_ORIGINS: 'https://chat.example.com, http://LOCALHOST:5173',
    RATE_LIMITS: 'off',
    SHUTDOWN_GRACE: '15',
    DATABASE_POOL: '20',
    METRICS_HOST: '::1',
    METRICS_PORT: '9464',
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
    redisUrl: 'rediss://:pass@redis.example.com:6380/1',
    maxFileSize: 1000,
    maxMessageLength: 100,
    trustedProxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'],
    isRegistrationOpen: false,
    corsOrigins: ['https://chat.example.com', 'http://localhost:5173'],
    rateLimits: false,
    shutdownGrace: 15,
    databasePool: 20,
    metricsHost: '::1',
    metricsPort: 9464,
    logLevel: 'silent',
  });
});

test.each([
  [{ PORT: '8080' }, 'http://127.0.0.1:8080'],
  [{ HOST: 'localhost' }, 'http://localhost:3000'],
  [{ HOST: '::1', PORT: '80' }, 'http://[::1]:80'],
])('with %j, PUBLIC_URL is %s', (env, publicUrl) => {
  expect(read(env).publicUrl).toBe(publicUrl);
});

test.each([
  [
    'mysql://user:pa%2Fss%40@db.example.com:3307/chat',
    {
      kind: 'mysql',
      hosts: [{ host: 'db.example.com', port: 3307 }],
      user: 'user',
      password: 'pa/ss@',
      name: 'chat',
      ssl: false,
    },
  ],
  [
    'mysql://root@127.0.0.1/chat',
    {
      kind: 'mysql',
      hosts: [{ host: '127.0.0.1', port: 3306 }],
      user: 'root',
      password: '',
      name: 'chat',
      ssl: false,
    },
  ],
  [
    'mysql://root@[::1]:3306/chat',
    {
      kind: 'mysql',
      hosts: [{ host: '::1', port: 3306 }],
      user: 'root',
      password: '',
      name: 'chat',
      ssl: false,
    },
  ],
  [
    'mariadb://root:a%2Cb@db-1:3307,db-2,[::1]:3308/chat',
    {
      kind: 'mysql',
      hosts: [
        { host: 'db-1', port: 3307 },
        { host: 'db-2', port: 3306 },
        { host: '::1', port: 3308 },
      ],
      user: 'root',
      password: 'a,b',
      name: 'chat',
      ssl: false,
    },
  ],
  [
    'mysql://root@db-1,db-2/chat?ssl=true',
    {
      kind: 'mysql',
      hosts: [
        { host: 'db-1', port: 3306 },
        { host: 'db-2', port: 3306 },
      ],
      user: 'root',
      password: '',
      name: 'chat',
      ssl: true,
    },
  ],
  ['sqlite:/var/lib/parley.sqlite', { kind: 'sqlite', file: '/var/lib/parley.sqlite' }],
  ['sqlite:./x.sqlite', { kind: 'sqlite', file: resolve('x.sqlite') }],
])('DATABASE_URL can be %s', (url, database) => {
  expect(read({ DATABASE_URL: url }).database).toEqual(database);
});

const BUCKET = { kind: 's3', bucket: 'files', prefix: '', region: 'us-east-1', endpoint: null };

test.each([
  ['file:./uploads', { kind: 'disk', folder: resolve('uploads') }],
  ['s3://files', BUCKET],
  ['s3://files/', BUCKET],
  ['s3://files//parley/chat/', { ...BUCKET, prefix: 'parley/chat/' }],
  [
    's3://files?endpoint=https://s3.example.com&region=eu-1',
    { ...BUCKET, endpoint: 'https://s3.example.com', region: 'eu-1' },
  ],
])('STORAGE_URL can be %s', (url, storage) => {
  expect(read({ STORAGE_URL: url }).storage).toEqual(storage);
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
  ['DATABASE_URL', 'mysql://root@a,,b/chat'],
  ['DATABASE_URL', 'mysql://root@a,b:x/chat'],
  ['DATABASE_URL', 'mysql://root@a,/chat'],
  ['DATABASE_URL', 'mysql://a,/chat'],
  ['DATABASE_URL', 'mysql://root@db/chat?ssl=false'],
  ['DATABASE_URL', 'mysql://root@db/chat?ssl=true&timezone=Z'],
  ['DATABASE_URL', 'mysql://root@db/chat?charset=utf8'],
  ['DATABASE_URL', 'mysql://root@db/chat#main'],
  ['DATABASE_URL', 'mysql://root@db,10.0.0.1/chat?ssl=true'],
  ['DATABASE_URL', 'mysql://root@[::1]/chat?ssl=true'],
  ['DATABASE_URL', 'sqlite:'],
  ['DATABASE_URL', 'sqlite::memory:'],
  ['DATABASE_URL', 'chat.sqlite'],
  ['DATABASE_POOL', '0'],
  ['DATABASE_POOL', '201'],
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
  ['STORAGE_URL', './data/files'],
  ['STORAGE_URL', 'file:'],
  ['STORAGE_URL', 's3:'],
  ['STORAGE_URL', 's3://files?endpoint=s3.example.com'],
  ['STORAGE_URL', 'https://s3.example.com/files'],
  ['REDIS_URL', '127.0.0.1:6379'],
  ['REDIS_URL', 'http://127.0.0.1:6379'],
  ['REDIS_URL', 'redis://'],
  ['MAX_FILE_SIZE', '0'],
  ['MAX_FILE_SIZE', '100 MiB'],
  ['MAX_MESSAGE_LENGTH', '0'],
  ['MAX_MESSAGE_LENGTH', '16384'],
  ['TRUSTED_PROXIES', 'loopback'],
  ['TRUSTED_PROXIES', '10.0.0.0/33'],
  ['TRUSTED_PROXIES', '0.0.0.0/0'],
  ['TRUSTED_PROXIES', '::/0'],
  ['REGISTRATION', 'no'],
  ['CORS_ORIGINS', 'chat.example.com'],
  ['CORS_ORIGINS', 'ftp://chat.example.com'],
  ['CORS_ORIGINS', 'null'],
  ['CORS_ORIGINS', 'https://chat.example.com/'],
  ['CORS_ORIGINS', 'https://chat.example.com/app'],
  ['CORS_ORIGINS', 'https://user@chat.example.com'],
  ['CORS_ORIGINS', 'https://chat.example.com,'],
  ['CORS_ORIGINS', 'https://chat.example.com https://other.example.com'],
  ['CORS_ORIGINS', '*,https://chat.example.com'],
  ['CORS_ORIGINS', 'https://*.example.com'],
  ['RATE_LIMITS', 'false'],
  ['SHUTDOWN_GRACE', '-1'],
  ['SHUTDOWN_GRACE', '15s'],
  ['METRICS_HOST', 'not a host'],
  ['METRICS_PORT', '65536'],
  ['METRICS_PORT', 'on'],
  ['LOG_LEVEL', 'loud'],
])('%s=%j stops the start', (name, value) => {
  expect(messageFor({ [name]: value })).toContain(`  ${name} must `);
});

test('one message names every setting at fault', () => {
  const checked = VARIABLES.filter((name) => !['DATA_DIR', 'NODE_ENV'].includes(name));
  const message = messageFor(Object.fromEntries(checked.map((name) => [name, '/?'])));
  const [title, ...lines] = message.split('\n');
  expect(title).toBe('Parley cannot start, settings at fault:');
  expect(lines.map((line) => /^ {2}(\w+) must /.exec(line)?.[1])).toEqual(checked);
  expect(existsSync(dataDir)).toBe(false);
});

test('a setting with several faults is named once', () => {
  expect(messageFor({ SMTP_URL: 'mail.example.com:25' }).split('\n')).toHaveLength(2);
  expect(messageFor({ PUBLIC_URL: 'ftp://chat.example.com?a=b' }).split('\n')).toHaveLength(2);
});

test('a setting at fault does not hide a missing secret', () => {
  const message = messageFor({
    NODE_ENV: 'production',
    DATABASE_URL: 'mysql://root@127.0.0.1/chat',
    PORT: 'x',
  });
  expect(message).toContain('  PORT must be');
  expect(message).toContain('  JWT_SECRET must be set');
});

test('the message does not repeat passwords', () => {
  const message = messageFor({
    DATABASE_URL: 'postgres://root:hunter2@127.0.0.1/chat',
    SMTP_URL: 'http://parley:hunter2@mail.example.com',
    STORAGE_URL: 'https://parley:hunter2@s3.example.com',
    JWT_SECRET: 'hunter2',
    PUBLIC_URL: 'ftp://parley:hunter2@chat.example.com',
  });
  expect(message).not.toContain('hunter2');
});

test('the name and the error of a database do not contain its password', async () => {
  const settings = read({ DATABASE_URL: 'mysql://root:hunter2@127.0.0.1:1,127.0.0.1:2/chat' });
  expect(databaseLabel(settings.database)).toBe('mysql://127.0.0.1:1,127.0.0.1:2/chat');
  const error: unknown = await openDatabase(settings).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StartError);
  expect((error as StartError).message).toContain('mysql://127.0.0.1:1,127.0.0.1:2/chat');
  expect((error as StartError).message).not.toContain('hunter2');
});

test('a secret is generated once, readable only by its owner', () => {
  const { jwtSecret } = read();
  const file = join(dataDir, 'jwt-secret');
  expect(jwtSecret.length).toBeGreaterThanOrEqual(32);
  expect(readFileSync(file, 'utf8')).toContain(jwtSecret);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(read().jwtSecret).toBe(jwtSecret);
});

test('each installation generates its own secret', () => {
  expect(read({ DATA_DIR: `${dataDir}-a` }).jwtSecret).not.toBe(read({ DATA_DIR: `${dataDir}-b` }).jwtSecret);
});

test('a secret from JWT_SECRET is not written to a file', () => {
  expect(read({ JWT_SECRET: SECRET }).jwtSecret).toBe(SECRET);
  expect(existsSync(join(dataDir, 'jwt-secret'))).toBe(false);
});

test('a truncated secret file stops the start', () => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'jwt-secret'), 'short');
  expect(messageFor({})).toContain('jwt-secret');
});

test('a data directory that cannot be created stops the start', () => {
  writeFileSync(dataDir, 'a file');
  expect(messageFor({ DATA_DIR: join(dataDir, 'below') })).toContain('DATA_DIR');
});

test('in production with MySQL, JWT_SECRET is required', () => {
  const production = { NODE_ENV: 'production', DATABASE_URL: 'mysql://root@127.0.0.1/chat' };
  expect(messageFor(production)).toContain('  JWT_SECRET must be set');
  expect(read({ ...production, JWT_SECRET: SECRET }).jwtSecret).toBe(SECRET);
});

test.each<Record<string, string>>([
  { NODE_ENV: 'production' },
  { NODE_ENV: 'development', DATABASE_URL: 'mysql://root@127.0.0.1/chat' },
])('with %j, JWT_SECRET is not required', (env) => {
  expect(read(env).jwtSecret.length).toBeGreaterThanOrEqual(32);
});

test('.env is read, and the environment takes precedence', () => {
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

describe('the documents agree with the schema:', () => {
  const ROOT = join(import.meta.dirname, '../..');
  const defaults = new Map(
    Object.entries(environmentSchema.shape).map(([name, rule]) => [
      name,
      String('defaultValue' in rule.def ? rule.def.defaultValue : rule.meta()?.default),
    ]),
  );
  /** The default with the names of other settings replaced by their defaults. */
  const literalDefault = (variable: string): string =>
    defaults
      .get(variable)!
      .replaceAll(/<([A-Z_]+)>|\b([A-Z_]+)\b/g, (text, a, b) => defaults.get(a ?? b) ?? text)
      .replace(/^(none|generated .*)$/, '');

  test('every setting has a description', () => {
    for (const rule of Object.values(environmentSchema.shape)) expect(rule.description).toMatch(/\w/);
  });

  test('the table of the README has every setting with its default, and no other', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const rows = readme.matchAll(/^\| `([A-Z_]+)` +\| (.*?) +\|/gm);
    expect(Array.from(rows, ([, name, text]) => [name, text.replaceAll('`', '')])).toEqual([...defaults]);
  });

  const example = readFileSync(join(ROOT, '.env.example'), 'utf8');

  test('.env.example has every setting with its default, and no other', () => {
    const lines = example.matchAll(/^#?([A-Z_]+)=(.*)$/gm);
    const expected = Array.from(defaults.keys(), (name) => [name, literalDefault(name)]);
    expect(Array.from(lines, ([, name, value]) => [name, value])).toEqual(expected);
  });

  test('.env.example without its comment signs changes nothing', () => {
    const env = parseEnv(example.replaceAll(/^#(?=[A-Z_]+=)/gm, ''));
    const given = { JWT_SECRET: SECRET };
    expect(readSettings({ ...env, ...given })).toEqual(readSettings(given));
  });
});
