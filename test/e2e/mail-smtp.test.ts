import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { TEST_CERTIFICATE } from '../support/certificate.js';
import type { Json } from '../support/parley.js';
import {
  createTestDatabase,
  QUICK,
  startServer,
  type TestDatabase,
  type TestServer,
} from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';
import { smtpError, SmtpSink } from '../support/smtp-sink.js';
import { until } from '../support/until.js';

const WELCOME = /^Welcome to Parley/;
const TRUSTED = `tls.ca=${encodeURIComponent(TEST_CERTIFICATE.cert)}`;
const login = { user: 'parley', password: 'p@ss/wörd & more' };

let database: TestDatabase;
/** Speaks no TLS. */
let plain: SmtpSink;
let starttls: SmtpSink;
let smtps: SmtpSink;

beforeAll(async () => {
  database = await createTestDatabase();
  plain = await SmtpSink.listen();
  starttls = await SmtpSink.listen(0, { tls: 'starttls' });
  smtps = await SmtpSink.listen(0, { tls: 'from-start' });
});

afterAll(async () => {
  for (const sink of [plain, starttls, smtps]) await sink.close();
  await database.drop();
});

const lastMail = async ({ app }: TestServer) =>
  (await app.get(Reader).query<Json>('SELECT * FROM mails ORDER BY id DESC LIMIT 1'))[0];

/** Runs the task with a server that sends to `smtpUrl`. All these servers share a database. */
async function withSmtpUrl(smtpUrl: string, task: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer({ smtpUrl, mailTiming: QUICK }, database);
  try {
    await task(server);
  } finally {
    await server.stop();
  }
}

/** Signs a user up whose mail fails, and returns the stored reason. */
async function reasonFor(server: TestServer, username: string): Promise<string> {
  await server.parley.signUp(username);
  const mail = await until('a failure', async () => {
    const row = await lastMail(server);
    return row.error === null ? undefined : row;
  });
  expect(mail.state).toBe('waiting');
  return mail.error;
}

describe('a mail server with a certificate', () => {
  test('that is trusted receives mails through STARTTLS', async () => {
    await withSmtpUrl(`${starttls.url}?${TRUSTED}`, async ({ parley }) => {
      await parley.signUp('starttls');
      expect(await starttls.waitFor('starttls@example.com', WELCOME)).toMatchObject({ secure: true });
    });
  });

  test('that is trusted receives mails through TLS from the start', async () => {
    await withSmtpUrl(`${smtps.url}?${TRUSTED}`, async ({ parley }) => {
      await parley.signUp('smtps');
      expect(await smtps.waitFor('smtps@example.com', WELCOME)).toMatchObject({ secure: true });
    });
  });

  test.each([
    ['STARTTLS', () => starttls],
    ['TLS from the start', () => smtps],
  ])('receives no mail through %s until the certificate is trusted', async (_, sinkOf) => {
    const sink = sinkOf();
    const username = `distrust-${sink === smtps ? 'smtps' : 'starttls'}`;
    const before = sink.offered.length;
    await withSmtpUrl(sink.url, async (server) => {
      expect(await reasonFor(server, username)).toMatch(/self[- ]signed certificate/);
    });
    expect(sink.offered).toHaveLength(before);
    await withSmtpUrl(`${sink.url}?${TRUSTED}`, async (server) => {
      expect(await sink.waitFor(`${username}@example.com`, WELCOME)).toMatchObject({ secure: true });
      await until(
        'the mail to be marked as sent',
        async () => (await lastMail(server)).state === 'sent' || undefined,
      );
    });
  });

  test('is required by requireTLS: a server without TLS receives nothing', async () => {
    await withSmtpUrl(`${plain.url}?requireTLS=true`, async (server) => {
      expect(await reasonFor(server, 'insisting')).toMatch(/STARTTLS/);
    });
    expect(plain.offered).toEqual([]);
    await withSmtpUrl(plain.url, async () => {
      expect(await plain.waitFor('insisting@example.com', WELCOME)).toMatchObject({ secure: false });
    });
  });
});

test('a refused sender address is retried, because the operator may correct it', async () => {
  plain.senderVerdict = () => {
    throw smtpError(553, 'you may not send as that');
  };
  await withSmtpUrl(plain.url, async (server) => {
    expect(await reasonFor(server, 'unsendable')).toContain('you may not send as that');
    plain.senderVerdict = () => {};
    await plain.waitFor('unsendable@example.com', WELCOME);
  });
});

describe('a mail server that requires a login', () => {
  let sink: SmtpSink;
  let own: TestDatabase;
  let log = '';

  beforeAll(async () => {
    sink = await SmtpSink.listen(0, { tls: 'starttls', login });
    own = await createTestDatabase();
    writeFileSync(join(own.dataDir, 'ca.pem'), TEST_CERTIFICATE.cert);
  });

  afterAll(async () => {
    await sink.close();
    await own.drop();
  });

  async function runWith(smtpUrl: string, task: (server: ServerProcess) => Promise<void>): Promise<void> {
    const server = await ServerProcess.start(own, {
      SMTP_URL: smtpUrl,
      NODE_EXTRA_CA_CERTS: join(own.dataDir, 'ca.pem'),
    });
    try {
      await task(server);
    } finally {
      await server.end();
      log += server.output;
    }
  }

  test('receives nothing with a wrong login, and the log says why', async () => {
    const wrong = new URL(sink.url);
    wrong.password = 'wrong-password';
    await runWith(wrong.href, async (server) => {
      const parley = await server.parley();
      for (let n = 0; n < 5; n += 1) await parley.signUp(`member${n}`);
      await until('the warning', () => /Invalid login: 535/.test(server.output) || undefined);
    });
    expect(sink.offered).toEqual([]);
  });

  test('receives the waiting mails with the right login, and the log names a refused one', async () => {
    sink.verdict = ({ recipients, text = '' }) => {
      if (recipients.includes('member3@example.com'))
        throw smtpError(554, `spam: ${text.replace(/\s+/g, ' ')}`);
    };
    await runWith(`${sink.url}?requireTLS=true`, async (server) => {
      for (const n of [0, 1, 2, 4]) {
        expect(await sink.waitFor(`member${n}@example.com`, WELCOME)).toMatchObject({ secure: true });
      }
      await until('the refusal', () => /failed for good/.test(server.output) || undefined);
    });
  });

  test('causes no password, token or address in the log', () => {
    expect(log).toContain('failed for good: 554 to DATA');
    for (const secret of [
      'wrong-password',
      login.password,
      encodeURIComponent(login.password),
      'eyJ',
      '@example.com',
    ]) {
      expect(log).not.toContain(secret);
    }
  });
});
