import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';

/** The server cannot start; the message is meant for the operator and is all that is printed. */
export class StartError extends Error {}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Where rows are kept: an embedded file, or a MySQL or MariaDB server. */
export type DatabaseSettings =
  | { kind: 'sqlite'; file: string }
  | { kind: 'mysql'; host: string; port: number; user: string; password: string; name: string };

/** Where the bytes of files are kept: a folder, or a bucket of S3 or a server that speaks its language. */
export type StorageSettings =
  | { kind: 'disk'; folder: string }
  | { kind: 's3'; bucket: string; prefix: string; region: string; endpoint: string | null };

/** The cost of one argon2id hash: memory in KiB, and passes over it. */
export interface HashingCost {
  memoryCost: number;
  timeCost: number;
}

/** The intervals of the mail worker. */
export interface MailTiming {
  pollMs: number;
  leaseMs: number;
  /** Between two renewals of a lease; several fit into a lease. */
  renewalMs: number;
  /** Doubles with each failure: the first back-off is twice this on average. */
  backoffMs: number;
}

/** Everything that an operator can set ("Settings" in the contract), checked and typed. */
export class Settings {
  host!: string;
  port!: number;
  /** The base of every link that leaves the server, without a trailing slash. */
  publicUrl!: string;
  database!: DatabaseSettings;
  dataDir!: string;
  /** The key that signs tokens; at least 32 characters. */
  jwtSecret!: string;
  /** How long an authentication token lives, in seconds. */
  tokenTtl!: number;
  requireVerifiedEmail!: boolean;
  /** `null`: mails are written to files in `dataDir/mail`. */
  smtpUrl!: string | null;
  mailFrom!: string;
  storage!: StorageSettings;
  /** In bytes. */
  maxFileSize!: number;
  /** In Unicode code points. */
  maxMessageLength!: number;
  /** Whether attempts at passwords and mails that anybody can cause are limited; a benchmark lifts that. */
  rateLimits!: boolean;
  logLevel!: (typeof LOG_LEVELS)[number];
  /** Not an operator's setting: the contract fixes the floor, tests pass in a cheap one. */
  hashing: HashingCost = { memoryCost: 19_456, timeCost: 2 };
  /** Not an operator's setting either: tests pass in a quicker one. */
  mailTiming: MailTiming = { pollMs: 1_000, leaseMs: 60_000, renewalMs: 15_000, backoffMs: 1_000 };
}

/**
 * Reads `.env` (what the environment already sets wins) and the environment: the only reader of
 * `process.env`.
 *
 * @throws StartError naming every setting at fault.
 */
export function loadSettings(): Settings {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return readSettings(process.env);
}

/** As {@link loadSettings}, from the given variables. An empty variable counts as not set. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const read = new SettingsReader(env);
  const settings = new Settings();
  settings.host = read.host('HOST', '127.0.0.1');
  settings.port = read.integer('PORT', { default: 3000, min: 0, max: 65_535 });
  settings.publicUrl = read.httpUrl('PUBLIC_URL', `http://${urlHost(settings.host)}:${settings.port}`);
  settings.dataDir = resolve(read.text('DATA_DIR', './data'));
  settings.database = read.databaseUrl('DATABASE_URL', settings.dataDir);
  settings.tokenTtl = read.integer('TOKEN_TTL', { default: 259_200, min: 1, max: 315_360_000 });
  settings.requireVerifiedEmail = read.flag('REQUIRE_VERIFIED_EMAIL', false);
  settings.smtpUrl = read.smtpUrl('SMTP_URL');
  settings.mailFrom = read.mailbox('MAIL_FROM', `Parley <parley@${new URL(settings.publicUrl).hostname}>`);
  settings.storage = read.storageUrl('STORAGE_URL', settings.dataDir);
  settings.maxFileSize = read.integer('MAX_FILE_SIZE', {
    default: 104_857_600,
    min: 1,
    max: 1_099_511_627_776,
  });
  settings.rateLimits = read.oneOf('RATE_LIMITS', ['on', 'off'], 'on') === 'on';
  settings.maxMessageLength = read.integer('MAX_MESSAGE_LENGTH', {
    default: 16_383,
    min: 1,
    // What a TEXT column of MySQL holds if each character takes four bytes.
    max: 16_383,
  });
  settings.logLevel = read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info');

  const secretRequired = env.NODE_ENV === 'production' && settings.database.kind === 'mysql';
  const secret = read.secret('JWT_SECRET', { min: 32, required: secretRequired });
  read.throwProblems();
  prepareDataDir(settings.dataDir);
  settings.jwtSecret = secret ?? generatedSecret(settings.dataDir);
  return settings;
}

/** Reads one variable after the other and keeps what is wrong with them for one message at the end. */
class SettingsReader {
  private readonly problems: string[] = [];

  constructor(private readonly env: Readonly<Record<string, string | undefined>>) {}

  throwProblems(): void {
    if (this.problems.length === 0) return;
    throw new StartError(`Parley cannot start, settings at fault:\n${this.problems.join('\n')}`);
  }

  text(name: string, fallback: string): string {
    return this.env[name] || fallback;
  }

  integer(name: string, { default: fallback, min, max }: { default: number; min: number; max: number }) {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (/^(0|[1-9]\d*)$/.test(text) && value >= min && value <= max) return value;
    return this.reject(name, `must be an integer from ${min} to ${max}`, fallback);
  }

  flag(name: string, fallback: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], String(fallback) as 'true' | 'false') === 'true';
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const text = this.text(name, fallback);
    return (
      values.find((value) => value === text) ??
      this.reject(name, `must be one of ${values.join(', ')}`, fallback)
    );
  }

  host(name: string, fallback: string): string {
    const text = this.text(name, fallback);
    if (URL.canParse(`http://${urlHost(text)}`) && !/[/?#@\s]/.test(text)) return text;
    return this.reject(name, 'must be a host name or an IP address', fallback);
  }

  secret(name: string, { min, required }: { min: number; required: boolean }): string | null {
    const text = this.env[name];
    if (!text) return required ? this.reject(name, 'must be set in production with MySQL', null) : null;
    return text.length >= min ? text : this.reject(name, `must have at least ${min} characters`, null);
  }

  httpUrl(name: string, fallback: string): string {
    const url = this.url(name, ['http:', 'https:']);
    if (url && (url.search || url.hash))
      return this.reject(name, 'must have no query and no fragment', fallback);
    return (url?.href ?? fallback).replace(/\/+$/, '');
  }

  smtpUrl(name: string): string | null {
    const url = this.url(name, ['smtp:', 'smtps:']);
    return url && !url.hostname ? this.reject(name, 'must name a host', null) : (url?.href ?? null);
  }

  mailbox(name: string, fallback: string): string {
    const text = this.text(name, fallback);
    if (/^[^\r\n<>@]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/.test(text)) return text;
    return this.reject(name, "must look like 'chat@example.com' or 'Chat <chat@example.com>'", fallback);
  }

  databaseUrl(name: string, dataDir: string): DatabaseSettings {
    const fallback = { kind: 'sqlite', file: join(dataDir, 'parley.sqlite') } as const;
    const text = this.env[name];
    if (!text) return fallback;
    if (text.startsWith('sqlite:')) {
      const file = text.slice('sqlite:'.length);
      if (file && file !== ':memory:') return { kind: 'sqlite', file: resolve(file) };
      return this.reject(name, 'must name a file: sqlite:./data/parley.sqlite', fallback);
    }
    const url = this.url(name, ['mysql:', 'mariadb:']);
    if (!url) return fallback;
    try {
      const [database, user, password] = [url.pathname.slice(1), url.username, url.password].map(
        decodeURIComponent,
      );
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (host && database) {
        return { kind: 'mysql', host, port: Number(url.port || 3306), user, password, name: database };
      }
    } catch {
      // A `%` that encodes nothing.
    }
    return this.reject(
      name,
      'must look like mysql://user:password@host:port/name, percent-encoded',
      fallback,
    );
  }

  storageUrl(name: string, dataDir: string): StorageSettings {
    const fallback = { kind: 'disk', folder: join(dataDir, 'files') } as const;
    const text = this.env[name];
    if (!text) return fallback;
    if (text.startsWith('file:') && text.length > 'file:'.length) {
      return { kind: 'disk', folder: resolve(text.slice('file:'.length)) };
    }
    const url = this.url(name, ['file:', 's3:']);
    if (!url) return fallback;
    const endpoint = url.searchParams.get('endpoint');
    if (!url.hostname || (endpoint !== null && !URL.canParse(endpoint))) {
      return this.reject(
        name,
        'must look like s3://bucket?endpoint=https://s3.example.com&region=eu-1',
        fallback,
      );
    }
    const folder = url.pathname.replace(/^\/+|\/+$/g, '');
    return {
      kind: 's3',
      bucket: url.hostname,
      prefix: folder && `${folder}/`,
      region: url.searchParams.get('region') ?? 'us-east-1',
      endpoint,
    };
  }

  /** `null` where the variable is not set or is at fault. Never repeats the value: it may hold a password. */
  private url(name: string, protocols: string[]): URL | null {
    const text = this.env[name];
    if (!text) return null;
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url && protocols.includes(url.protocol)) return url;
    return this.reject(name, `must be a URL that starts with ${protocols.join('// or ')}//`, null);
  }

  private reject<T>(name: string, problem: string, fallback: T): T {
    this.problems.push(`  ${name} ${problem}`);
    return fallback;
  }
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Mails and the secret go there, whatever the database. */
function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartError(`Parley cannot start, DATA_DIR cannot be used: ${(error as Error).message}`);
  }
}

/** The secret of an installation that was given none: made once, readable by its owner alone. */
function generatedSecret(dataDir: string): string {
  const file = join(dataDir, 'jwt-secret');
  if (!existsSync(file)) createSecret(file);
  const secret = readFileSync(file, 'utf8').trim();
  if (secret.length < 32)
    throw new StartError(`Parley cannot start, ${file} holds no secret of 32 characters`);
  return secret;
}

/** Whole or not at all: of two servers that start at once one links its own, and both use that. */
function createSecret(file: string): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, randomBytes(48).toString('base64url'), { mode: 0o600 });
  try {
    linkSync(unfinished, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(unfinished);
  }
}
