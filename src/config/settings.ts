import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Environment, environmentSchema, hostInUrl } from './environment.js';
import { readOrGenerateSecret, readSecret, SECRET_FILE } from './secret.js';

export type DatabaseSettings = NonNullable<Environment['DATABASE_URL']>;
export type MysqlSettings = Extract<DatabaseSettings, { kind: 'mysql' }>;
export type StorageSettings = NonNullable<Environment['STORAGE_URL']>;
export type HashingCost = Settings['hashing'];
export type MailTiming = Settings['mailTiming'];
export type HttpTiming = Settings['httpTiming'];
export type ShutdownTiming = Settings['shutdownTiming'];

/** Stops the start. The message is for the operator, and is all that is printed. */
export class StartError extends Error {}

export class Settings {
  host!: string;
  port!: number;
  publicUrl!: string; // without a slash at its end
  corsOrigins!: Environment['CORS_ORIGINS'];
  database!: DatabaseSettings;
  databasePool!: number; // connections to MySQL
  dataDir!: string;
  jwtSecret!: string;
  tokenTtl!: number; // in seconds
  requireVerifiedEmail!: boolean;
  smtpUrl!: string | null;
  mailFrom!: string;
  storage!: StorageSettings;
  redisUrl!: string | null;
  maxFileSize!: number; // in bytes
  maxMessageLength!: number; // in Unicode code points
  trustedProxies!: string[]; // addresses or CIDR blocks
  isRegistrationOpen!: boolean;
  rateLimits!: boolean;
  web!: boolean; // whether to serve a page at `/`
  shutdownGrace!: number; // in seconds
  metricsHost!: string;
  metricsPort!: number | null;
  logLevel!: Environment['LOG_LEVEL'];
  /** Memory in KiB, and passes over it. No variable sets the cost; only tests use a cheaper one. */
  hashing = { memoryCost: 19_456, timeCost: 2 };
  /** No variable sets the times; only tests use shorter ones. Several renewals must fit into a lease. */
  mailTiming = { pollMs: 1_000, leaseMs: 60_000, renewalMs: 15_000, backoffMs: 1_000 };
  /** No variable sets the times. `idleMs` is longer than the 60 s of common load balancers. */
  httpTiming = {
    headersMs: 15_000,
    checkMs: 5_000,
    idleMs: 72_000,
    bodyMs: 25_000,
    uploadWindowMs: 30_000,
    stallMs: 30_000,
  };
  /** No variable sets the times. `keptMs` is longer than nginx keeps a connection, which is 3 s in `deploy/nginx.conf`. */
  shutdownTiming = { keptMs: 4_000, transferMs: 8_000 };
}

/** The settings of a command that signs no tokens. Only a server generates a secret. */
export type CommandSettings = Omit<Settings, 'jwtSecret'>;

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the environment and `.env`; the environment wins. Throws a StartError that names every setting at fault. */
export function loadSettings(): Settings {
  return readSettings(loadVariables());
}

/** As {@link loadSettings}, but creates nothing in DATA_DIR. */
export function loadCommandSettings(): CommandSettings {
  return settingsOf(parseVariables(loadVariables()));
}

/** As {@link loadSettings}, but creates nothing. @throws StartError also when no server has generated the secret. */
export function loadExistingSettings(): Settings {
  const env = parseVariables(loadVariables());
  const settings = settingsOf(env);
  settings.jwtSecret = env.JWT_SECRET ?? readExistingSecret(settings.dataDir);
  return settings;
}

/** Reads the settings from the given variables. An empty variable counts as unset. */
export function readSettings(variables: Variables): Settings {
  const env = parseVariables(variables);
  const settings = settingsOf(env);
  settings.jwtSecret = prepareDataDir(settings.dataDir, env.JWT_SECRET);
  return settings;
}

function loadVariables(): Variables {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

function parseVariables(variables: Variables): Environment {
  const nonEmpty = Object.entries(variables).filter(([, value]) => value);
  const { data: env, error } = environmentSchema.safeParse(Object.fromEntries(nonEmpty));
  if (error) {
    const problems = new Set(error.issues.map(({ path, message }) => `  ${path.join('')} ${message}`));
    throw new StartError(['Parley cannot start, settings at fault:', ...problems].join('\n'));
  }
  return env;
}

function settingsOf(env: Environment): Settings {
  const dataDir = resolve(env.DATA_DIR);
  const publicUrl = env.PUBLIC_URL ?? `http://${hostInUrl(env.HOST)}:${env.PORT}`;
  return Object.assign(new Settings(), {
    host: env.HOST,
    port: env.PORT,
    publicUrl,
    corsOrigins: env.CORS_ORIGINS,
    database: env.DATABASE_URL ?? { kind: 'sqlite', file: join(dataDir, 'parley.sqlite') },
    databasePool: env.DATABASE_POOL,
    dataDir,
    tokenTtl: env.TOKEN_TTL,
    requireVerifiedEmail: env.REQUIRE_VERIFIED_EMAIL,
    smtpUrl: env.SMTP_URL ?? null,
    mailFrom: env.MAIL_FROM ?? `Parley <parley@${new URL(publicUrl).hostname}>`,
    storage: env.STORAGE_URL ?? { kind: 'disk', folder: join(dataDir, 'files') },
    redisUrl: env.REDIS_URL ?? null,
    maxFileSize: env.MAX_FILE_SIZE,
    maxMessageLength: env.MAX_MESSAGE_LENGTH,
    trustedProxies: env.TRUSTED_PROXIES ?? [],
    isRegistrationOpen: env.REGISTRATION,
    rateLimits: env.RATE_LIMITS,
    web: env.WEB,
    shutdownGrace: env.SHUTDOWN_GRACE,
    metricsHost: env.METRICS_HOST,
    metricsPort: env.METRICS_PORT ?? null,
    logLevel: env.LOG_LEVEL,
  } satisfies Omit<Settings, 'jwtSecret' | 'hashing' | 'mailTiming' | 'httpTiming' | 'shutdownTiming'>);
}

/** Creates the folder and returns the secret, which is generated if the operator gave none. */
function prepareDataDir(dataDir: string, secret?: string): string {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return secret ?? readOrGenerateSecret(dataDir);
  } catch (error) {
    throw new StartError(`Parley cannot start, DATA_DIR cannot be used: ${(error as Error).message}`);
  }
}

function readExistingSecret(dataDir: string): string {
  const file = join(dataDir, SECRET_FILE);
  if (!existsSync(file)) {
    throw new StartError(
      `There is no secret ${file}, and JWT_SECRET is not set: use the settings of the server`,
    );
  }
  try {
    return readSecret(file);
  } catch (error) {
    throw new StartError(`The secret cannot be read: ${(error as Error).message}`);
  }
}
