import { isIP } from 'node:net';
import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { MIN_SECRET_LENGTH } from './secret.js';

/** Converts text with `parse`. Text for which `parse` throws or returns `undefined` breaks the rule. */
const parsed = <T>(rule: string, parse: (text: string) => T | undefined) =>
  z.string().transform((text, context): T => {
    try {
      const value = parse(text);
      if (value !== undefined) return value;
    } catch {
      // Drop the parser's error, because its message may quote a password.
    }
    context.addIssue(rule);
    return z.NEVER;
  });

const integer = (min: number, max: number) =>
  parsed(`must be an integer from ${min} to ${max}`, (text) => {
    const value = Number(text);
    return /^(0|[1-9]\d*)$/.test(text) && value >= min && value <= max ? value : undefined;
  });

const oneOf = <T extends string>(...values: T[]) => z.enum(values, `must be one of ${values.join(', ')}`);

const flag = (on: string, off: string) => oneOf(on, off).transform((text) => text === on);

const secret = z.string().min(MIN_SECRET_LENGTH, `must have at least ${MIN_SECRET_LENGTH} characters`);

const MAILBOX = /^[^\r\n<>@]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/;
const mailbox = z.string().regex(MAILBOX, "must look like 'a@example.com' or 'Chat <a@example.com>'");

export const hostInUrl = (host: string) => (host.includes(':') ? `[${host}]` : host);

const host = parsed('must be a host name or an IP address', (text) =>
  URL.canParse(`http://${hostInUrl(text)}`) && !/[/?#@\s]/.test(text) ? text : undefined,
);

const url = (protocol: RegExp, rule: string) =>
  z.url({ protocol, hostname: /./, normalize: true, abort: true, error: rule });

const smtpUrl = url(/^smtps?$/, 'must be a URL that starts with smtp:// or smtps://, with a host');

const redisUrl = url(/^rediss?$/, 'must be a URL that starts with redis:// or rediss://, with a host');

const httpUrl = url(/^https?$/, 'must be a URL that starts with http:// or https://')
  .regex(/^[^?#]*$/, 'must have no query and no fragment')
  .transform((text) => text.replace(/\/+$/, ''));

const isOrigin = (text: string) => /^https?:[^*]+$/.test(text) && new URL(text).origin === text;

const corsOrigins = parsed(
  "must be '*', 'none', or origins like https://chat.example.com, separated by commas",
  (text) => {
    if (text === '*') return '*' as const;
    if (text === 'none') return [];
    const origins = text.split(',').map((origin) => origin.trim().toLowerCase());
    return origins.every(isOrigin) ? origins : undefined;
  },
);

/** Parses a URL that may name several hosts: `mysql://user:password@a:3306,b/name?ssl=true`. */
function parseMysqlUrl(text: string) {
  const [, scheme, login = '', hosts = '', path, query] =
    /^(mysql|mariadb):\/\/([^/?#]*@)?([^/?#@]+)(\/[^?#]+)(\?ssl=true)?$/.exec(text) ?? [];
  if (!scheme) return undefined;
  const urls = hosts.split(',').map((one) => new URL(`${scheme}://${login}${one}${path}`));
  const ssl = query !== undefined;
  // mysql2 verifies the certificate of an address as that of `localhost`.
  if (urls.some(({ hostname }) => !hostname || (ssl && isIP(hostname.replace(/^\[|\]$/g, ''))))) {
    return undefined;
  }
  const [{ username, password, pathname }] = urls;
  return {
    kind: 'mysql' as const,
    hosts: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 3306),
    })),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    name: decodeURIComponent(pathname.slice(1)),
    ssl,
  };
}

const databaseUrl = parsed(
  'must look like sqlite:./data/parley.sqlite or mysql://user:password@host:port/name, percent-encoded, ' +
    'and with ?ssl=true for TLS with hosts that have names',
  (text) => {
    const [, file] = /^sqlite:(?!:memory:$)(.+)/s.exec(text) ?? [];
    if (file) return { kind: 'sqlite' as const, file: resolve(file) };
    return parseMysqlUrl(text);
  },
);

const storageUrl = parsed(
  'must look like file:./data/files or s3://bucket/folder?endpoint=https://s3.example.com&region=eu-1',
  (text) => {
    const [, directory] = /^file:(.+)/s.exec(text) ?? [];
    if (directory) return { kind: 'disk' as const, folder: resolve(directory) };
    const { protocol, hostname: bucket, pathname, searchParams } = new URL(text);
    const endpoint = searchParams.get('endpoint');
    if (protocol !== 's3:' || !bucket || (endpoint !== null && !URL.canParse(endpoint))) return undefined;
    const path = pathname.replace(/^\/+|\/+$/g, '');
    const region = searchParams.get('region') ?? 'us-east-1';
    return { kind: 's3' as const, bucket, prefix: path && `${path}/`, region, endpoint };
  },
);

const isAddressRange = (text: string) =>
  ipaddr.isValid(text) || (ipaddr.isValidCIDR(text) && !text.endsWith('/0'));

const addressRanges = parsed(
  'must be IP addresses or CIDR blocks, not all addresses, separated by commas',
  (text) => {
    const ranges = text.split(',').flatMap((range) => range.trim() || []);
    return ranges.every(isAddressRange) ? ranges : undefined;
  },
);

const logLevel = oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent');

/** Documents a variable without a fixed default: `text` describes what `readSettings` fills in. */
const unset = (text: string, description: string) => ({ default: text, description });

const variables = z.object({
  HOST: host.prefault('127.0.0.1').describe('Address to listen on'),
  PORT: integer(0, 65_535).prefault('3000').describe('Port to listen on'),
  PUBLIC_URL: httpUrl.optional().meta(unset('http://HOST:PORT', 'Start of links in mails and answers')),
  CORS_ORIGINS: corsOrigins.prefault('*').describe('Origins whose pages may call the API, or none'),
  DATABASE_URL: databaseUrl
    .optional()
    .meta(unset('sqlite:<DATA_DIR>/parley.sqlite', 'SQLite, or MySQL with one or several hosts')),
  DATABASE_POOL: integer(1, 200).prefault('10').describe('Connections to MySQL'),
  DATA_DIR: z.string().prefault('./data').describe('Folder of the SQLite database, files, mails and secret'),
  JWT_SECRET: secret.optional().meta(unset('generated once into DATA_DIR', 'Key that signs tokens')),
  TOKEN_TTL: integer(1, 315_360_000).prefault('259200').describe('Lifetime of a login, in seconds'),
  REQUIRE_VERIFIED_EMAIL: flag('true', 'false').prefault('false').describe('Login needs a verified email'),
  SMTP_URL: smtpUrl.optional().meta(unset('none', 'Mail server; without one, mails are written to files')),
  MAIL_FROM: mailbox.optional().meta(unset('Parley <parley@HOST>', 'Sender of mails')),
  STORAGE_URL: storageUrl.optional().meta(unset('file:<DATA_DIR>/files', 'Folder or bucket of uploads')),
  REDIS_URL: redisUrl.optional().meta(unset('none', 'Announces changes between instances at once')),
  MAX_FILE_SIZE: integer(1, 1_099_511_627_776).prefault('104857600').describe('Largest file, in bytes'),
  // A TEXT column of MySQL holds 16,383 characters of four bytes.
  MAX_MESSAGE_LENGTH: integer(1, 16_383).prefault('16383').describe('Longest message, in code points'),
  TRUSTED_PROXIES: addressRanges.optional().meta(unset('none', 'Proxies whose X-Forwarded-For counts')),
  REGISTRATION: flag('open', 'closed').prefault('open').describe('Whether users may register'),
  RATE_LIMITS: flag('on', 'off').prefault('on').describe('Limits on abuse'),
  WEB: flag('on', 'off').prefault('on').describe('Whether to serve a page at /'),
  SHUTDOWN_GRACE: integer(0, 3600).prefault('0').describe('Seconds that a shutdown still serves'),
  METRICS_HOST: host.prefault('127.0.0.1').describe('Address that serves the metrics'),
  METRICS_PORT: integer(0, 65_535).optional().meta(unset('none', 'Port of the metrics')),
  LOG_LEVEL: logLevel.prefault('info').describe('Lowest level to log'),
  NODE_ENV: z.string().optional().meta(unset('none', '`production` requires JWT_SECRET with MySQL')),
});

/** All variables that operators set. A test compares names and defaults with `.env.example` and the README. */
export const environmentSchema = variables.refine(
  (env) => env.NODE_ENV !== 'production' || env.DATABASE_URL?.kind !== 'mysql' || env.JWT_SECRET,
  // By default, zod skips this check if another variable is at fault.
  { path: ['JWT_SECRET'], error: 'must be set in production with MySQL', when: () => true },
);

export type Environment = z.output<typeof environmentSchema>;
