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
import { refusal, SmtpSink } from '../support/smtp-sink.js';
import { until } from '../support/until.js';

const WELCOME = /^Welcome to Parley/;
const TRUSTED = `tls.ca=${encodeURIComponent(TEST_CERTIFICATE.cert)}`;
const login = { user: 'parley', password: 'p@ss/wörd & more' };

let database: TestDatabase;
/** Takes mail in clear, and knows nothing else. */
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

/** A server that sends there while the task lasts; all of them share a database. */
async function sendingTo(smtpUrl: string, task: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer({ smtpUrl, mailTiming: QUICK }, database);
  try {
    await task(server);
  } finally {
    await server.stop();
  }
}

/** Registers somebody whose mail cannot be sent, and tells why it waits. */
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
  test('that is trusted gets mails through STARTTLS', async () => {
    await sendingTo(`${starttls.url}?${TRUSTED}`, async ({ parley }) => {
      await parley.signUp('starttls');
      expect(await starttls.waitFor('starttls@example.com', WELCOME)).toMatchObject({ secure: true });
    });
  });

  test('that is trusted gets mails through TLS from the start', async () => {
    await sendingTo(`${smtps.url}?${TRUSTED}`, async ({ parley }) => {
      await parley.signUp('smtps');
      expect(await smtps.waitFor('smtps@example.com', WELCOME)).toMatchObject({ secure: true });
    });
  });

  test.each([
    ['STARTTLS', () => starttls],
    ['TLS from the start', () => smtps],
  ])('that is not trusted gets nothing through %s, until it is', async (_, sinkOf) => {
    const sink = sinkOf();
    const username = `distrust-${sink === smtps ? 'smtps' : 'starttls'}`;
    const before = sink.offered.length;
    await sendingTo(sink.url, async (server) => {
      expect(await reasonFor(server, username)).toMatch(/self[- ]signed certificate/);
    });
    expect(sink.offered).toHaveLength(before);
    await sendingTo(`${sink.url}?${TRUSTED}`, async (server) => {
      expect(await sink.waitFor(`${username}@example.com`, WELCOME)).toMatchObject({ secure: true });
      await until(
        'it to be written down',
        async () => (await lastMail(server)).state === 'sent' || undefined,
      );
    });
  });

  test('is a must with requireTLS: one without TLS gets nothing', async () => {
    await sendingTo(`${plain.url}?requireTLS=true`, async (server) => {
      expect(await reasonFor(server, 'insisting')).toMatch(/STARTTLS/);
    });
    expect(plain.offered).toEqual([]);
    await sendingTo(plain.url, async () => {
      expect(await plain.waitFor('insisting@example.com', WELCOME)).toMatchObject({ secure: false });
    });
  });
});

test('a refused sender address is tried again, since the operator may mend it', async () => {
  plain.senderVerdict = () => {
    throw refusal(553, 'you may not send as that');
  };
  await sendingTo(plain.url, async (server) => {
    expect(await reasonFor(server, 'unsendable')).toContain('you may not send as that');
    plain.senderVerdict = () => {};
    await plain.waitFor('unsendable@example.com', WELCOME);
  });
});

describe('a mail server that asks for a login, as operators set it up', () => {
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

  test('gets nothing with a wrong one, and says so in the log', async () => {
    const wrong = new URL(sink.url);
    wrong.password = 'wrong-password';
    await runWith(wrong.href, async (server) => {
      const parley = await server.parley();
      for (let n = 0; n < 5; n += 1) await parley.signUp(`member${n}`);
      await until('the warning', () => /Invalid login: 535/.test(server.output) || undefined);
    });
    expect(sink.offered).toEqual([]);
  });

  test('gets all of it once the login is mended, but what it refuses', async () => {
    sink.verdict = ({ recipients, text = '' }) => {
      if (recipients.includes('member3@example.com'))
        throw refusal(554, `spam: ${text.replace(/\s+/g, ' ')}`);
    };
    await runWith(`${sink.url}?requireTLS=true`, async (server) => {
      for (const n of [0, 1, 2, 4]) {
        expect(await sink.waitFor(`member${n}@example.com`, WELCOME)).toMatchObject({ secure: true });
      }
      await until('the refusal', () => /failed for good/.test(server.output) || undefined);
    });
  });

  test('leaves neither password nor token nor address in the log', () => {
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
