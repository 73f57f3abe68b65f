import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { freePort } from '../support/free-port.js';
import { digest, type Json, type Member } from '../support/parley.js';
import { createTestDatabase, QUICK, startServer, type TestServer } from '../support/server.js';
import { type ReceivedMail, smtpError, SmtpSink } from '../support/smtp-sink.js';
import { until } from '../support/until.js';

const WELCOME = /^Welcome to Parley: verify your email address$/;
const NEW_ADDRESS = /^Verify your new email address$/;
const RESET = /^Reset your password$/;
const CHANGED = /^Your password was changed$/;
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

let sink: SmtpSink;
let server: TestServer;

beforeAll(async () => {
  sink = await SmtpSink.listen();
  server = await startServer({ smtpUrl: sink.url, mailFrom: 'Chat <chat@example.com>', mailTiming: QUICK });
});

afterEach(() => sink.release());

afterAll(async () => {
  await server.close();
  await sink.close();
});

const forget = ({ username }: Member) => server.parley.get(`/api/auth/forgot-password?username=${username}`);
const reset = (token: string, password: string) =>
  server.parley.post('/api/auth/reset-password', { password }, { token });
const verify = (token: string) => server.parley.get(`/api/auth/verify-email?token=${token}`);

function tokenIn(mail: ReceivedMail): string {
  const token = JWT.exec(mail.text ?? '')?.[0];
  if (!token) throw new Error(`no token in ${mail.subject}`);
  return token;
}

/** Returns the link of the button in the HTML part. */
const linkIn = (mail: ReceivedMail) => /href="([^"]+)"/.exec(mail.html ?? '')?.[1].replaceAll('&#x3D;', '=');

const rowsOf = (address: string, { app } = server) =>
  app.get(Reader).query<Json>('SELECT * FROM mails WHERE address = ? ORDER BY id', [address]);

/** Waits for a mail to the address that fulfils the condition. */
const waitForRow = (address: string, fulfils: (row: Json) => boolean, on = server) =>
  until(`the row of a mail to ${address}`, async () => (await rowsOf(address, on)).find(fulfils));

const offersTo = (address: string) => sink.offered.filter(({ recipients }) => recipients.includes(address));

/** Waits until every mail has had an attempt. */
async function waitForAttempts(): Promise<void> {
  await until('all mails to be tried', async () => {
    const untried = await server.app
      .get(Reader)
      .query(`SELECT 1 FROM mails WHERE state = 'waiting' AND error IS NULL`);
    return untried.length === 0 || undefined;
  });
}

describe('each of the four mails', () => {
  let user: Member;

  beforeAll(async () => {
    user = await server.parley.signUp('four', { name: 'Four Mails', email: 'four@example.com' });
  });

  function expectWellFormed(mail: ReceivedMail, address: string): void {
    expect(mail.recipients).toEqual([address]);
    expect(mail.to).toEqual([{ name: '', address }]);
    expect(mail.from).toEqual({ name: 'Chat', address: 'chat@example.com' });
    expect(mail.messageId).toMatch(/^<[^<>\s]+@parley\.test>$/);
    expect(mail.headers.some(({ key }) => key === 'date')).toBe(true);
    for (const part of [mail.text, mail.html]) {
      expect(part).toContain('Hello Four Mails,');
      expect(part).toContain('four');
      expect(part).not.toMatch(/undefined|\[object|\{\{/);
    }
    expect(mail.html).toMatch(/^<!doctype html>/i);
    expect(mail.text).not.toContain('<p>');
  }

  test('verification: links that verify the address, in text and HTML', async () => {
    const mail = await sink.waitFor('four@example.com', WELCOME);
    expectWellFormed(mail, 'four@example.com');
    const link = `http://parley.test/api/auth/verify-email?token=${tokenIn(mail)}`;
    expect(mail.text).toContain(`\n${link}\n`);
    expect(linkIn(mail)).toBe(link);
    expect((await verify(tokenIn(mail))).status).toBe(200);
  });

  test('a name with lines and markup adds no header and no element', async () => {
    const name = 'Eve\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>{{token}}';
    await server.parley.signUp('eve', { name, email: 'eve@example.com' });
    const mail = await sink.waitFor('eve@example.com', WELCOME);
    expect(mail.recipients).toEqual(['eve@example.com']);
    expect(mail.headers.map(({ key }) => key)).not.toContain('bcc');
    expect(mail.html).not.toContain('<script');
    expect(mail.html).toContain('{{token}}');
  });

  test('reset: a token that resets the password, in text and HTML', async () => {
    await forget(user);
    const mail = await sink.waitFor('four@example.com', RESET);
    expectWellFormed(mail, 'four@example.com');
    expect(mail.html).toContain(tokenIn(mail));
    expect((await reset(tokenIn(mail), digest('four, new'))).status).toBe(200);
  });

  test('password changed: no token and no password', async () => {
    const mail = await sink.waitFor('four@example.com', CHANGED);
    expectWellFormed(mail, 'four@example.com');
    for (const part of [mail.text, mail.html]) {
      expect(part).not.toMatch(JWT);
      expect(part).not.toContain(digest('four, new'));
    }
  });

  test('new address: goes to the new one, with a link that verifies it', async () => {
    await user.put('/api/users/four', { email: 'five@example.com' });
    const mail = await sink.waitFor('five@example.com', NEW_ADDRESS);
    expectWellFormed(mail, 'five@example.com');
    expect(linkIn(mail)).toBe(`http://parley.test/api/auth/verify-email?token=${tokenIn(mail)}`);
    expect((await verify(tokenIn(mail))).status).toBe(200);
    expect((await user.get('/api/users/four')).body.data).toMatchObject({ verified: true });
  });

  test('leaves no token in the outbox', async () => {
    const rows = [...(await rowsOf('four@example.com')), ...(await rowsOf('five@example.com'))];
    expect(rows.map(({ kind }) => kind)).toEqual([
      'verify-email',
      'reset-password',
      'password-changed',
      'verify-new-email',
    ]);
    const tokens = sink.accepted.flatMap(({ text }) => JWT.exec(text ?? '')?.[0] ?? []);
    expect(tokens.length).toBeGreaterThanOrEqual(3);
    const stored = JSON.stringify(rows);
    expect(stored).not.toMatch(/eyJ/);
    for (const token of tokens) expect(stored).not.toContain(token.split('.')[2]);
  });
});

test('names are escaped in the HTML part and literal in the text', async () => {
  const name = `<img src=x onerror="alert('1')"> & {{token}}`;
  await server.parley.signUp('markup', { name });
  const { html, text } = await sink.waitFor('markup@example.com', WELCOME);
  expect(html).not.toContain('<img');
  expect(html).toContain('Hello &lt;img ');
  expect(text).toContain(`Hello ${name},`);
});

test('a mail to a non-ASCII address arrives', async () => {
  await server.parley.signUp('script', { email: 'пошта@script.example' });
  await sink.waitFor('пошта@script.example', WELCOME);
});

test.each([
  ['a comma', 'a,victim@one.example'],
  ['brackets', 'a><victim@two.example'],
  ['brackets around its end', 'a<victim@three.example>'],
  ['a colon and a semicolon', 'all:a;victim@four.example'],
  ['two @', 'a@b.example,victim@five.example'],
  ['quotes', '"a"victim@six.example'],
  ['a comment', 'victim@seven.example(a@b.example)'],
])('an address that a mail server might read as several is refused: %s', async (_, email) => {
  const json = { username: 'odd', password: digest('odd'), email, name: 'Odd' };
  const { status, body } = await server.parley.post('/api/users', json);
  expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid_field', field: 'email' } });
});

test('no request waits for SMTP', async () => {
  sink.hold();
  const user = await server.parley.signUp('impatient');
  await sink.waitForOffer(user.email, WELCOME);
  expect((await forget(user)).status).toBe(200);
  expect((await user.put('/api/users/impatient', { password: digest('new') })).status).toBe(200);
  expect(sink.accepted.filter(({ recipients }) => recipients.includes(user.email))).toEqual([]);
  sink.release();
  await sink.waitFor(user.email, WELCOME);
  await sink.waitFor(user.email, RESET);
  await sink.waitFor(user.email, CHANGED);
});

test('a refused registration sends no mail', async () => {
  const attempts = Array.from({ length: 20 }, (_, index) => `refused${index}@example.com`);
  const answers = await Promise.all(
    attempts.map((email) =>
      server.parley.post('/api/users', { username: 'Refused', password: digest('r'), email, name: 'R' }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  await waitForAttempts();
  const told = sink.offered.flatMap(({ recipients }) => recipients).filter((to) => attempts.includes(to));
  expect(told).toEqual([attempts[answers.findIndex(({ status }) => status === 200)]]);
});

test('a refused update sends no mail', async () => {
  const [user, other] = [await server.parley.signUp('refused-a'), await server.parley.signUp('refused-b')];
  await sink.waitFor(user.email, WELCOME);
  const body = { email: other.email, password: digest('new') };
  expect((await user.put('/api/users/refused-a', body)).status).toBe(409);
  await waitForAttempts();
  expect(offersTo(user.email)).toHaveLength(1);
});

test('a mail that is refused permanently is given up with the reason', async () => {
  sink.verdict = ({ recipients }) => {
    if (recipients.includes('bounce@example.com')) throw smtpError(550, 'no such mailbox here');
  };
  await server.parley.signUp('bounce');
  const row = await waitForRow('bounce@example.com', ({ state }) => state === 'failed');
  expect(row.error).toContain('no such mailbox here');
  expect(row.attempts).toBe(1);
  await waitForAttempts();
  expect(offersTo('bounce@example.com')).toHaveLength(1);
});

test('a mail that is refused temporarily is sent again with the same Message-ID and a new token', async () => {
  sink.verdict = ({ recipients }) => {
    if (recipients.includes('later@example.com')) throw smtpError(451, 'come back later');
  };
  await server.parley.signUp('later');
  const row = await waitForRow('later@example.com', ({ error }) => error !== null);
  expect(row).toMatchObject({ state: 'waiting', attempts: 1 });
  expect(row.error).toContain('come back later');
  await waitForAttempts();
  sink.release();
  const mail = await sink.waitFor('later@example.com', WELCOME);
  const [refused] = offersTo('later@example.com');
  expect(mail.messageId).toBe(refused.messageId);
  expect(tokenIn(mail)).not.toBe(tokenIn(refused));
  expect((await verify(tokenIn(mail))).status).toBe(200);
  expect((await verify(tokenIn(refused))).status).toBe(401);
  expect(await waitForRow('later@example.com', ({ state }) => state === 'sent')).toMatchObject({
    error: null,
  });
});

test('a reset cancels the waiting reset mails', async () => {
  const user = await server.parley.signUp('cancelled');
  await sink.waitFor(user.email, WELCOME);
  sink.hold();
  await forget(user);
  const token = tokenIn(await sink.waitForOffer(user.email, RESET));
  await forget(user);
  expect((await reset(token, digest('new'))).status).toBe(200);
  sink.release();
  await sink.waitFor(user.email, CHANGED);
  expect(offersTo(user.email).filter(({ subject }) => RESET.test(subject ?? ''))).toHaveLength(1);
});

test('obsolete mails are not sent after an outage', async () => {
  const port = await freePort();
  const cutOff = await startServer({ smtpUrl: `smtp://127.0.0.1:${port}`, mailTiming: QUICK });
  const { parley } = cutOff;
  const user = await parley.signUp('moving');
  await user.put('/api/users/moving', { email: 'moved-once@example.com' });
  await user.put('/api/users/moving', { email: 'moved-twice@example.com' });
  const deleted = await parley.signUp('deleted');
  await deleted.delete('/api/users/deleted');
  const revived = await SmtpSink.listen(port);
  try {
    const mail = await revived.waitFor('moved-twice@example.com', NEW_ADDRESS);
    expect((await parley.get(`/api/auth/verify-email?token=${tokenIn(mail)}`)).status).toBe(200);
    await waitForRow('moved-twice@example.com', ({ state }) => state === 'sent', cutOff);
    expect(revived.offered.flatMap(({ recipients }) => recipients)).toEqual(['moved-twice@example.com']);
  } finally {
    await cutOff.close();
    await revived.close();
  }
});

test('each mail is sent by one of two instances on one database', async () => {
  const second = await startServer(
    { smtpUrl: sink.url, database: server.settings.database },
    { url: '', dataDir: server.settings.dataDir, drop: async () => {} },
  );
  try {
    // One after the other, because two SQLite writers in one thread would block each other until a timeout.
    const users: Member[] = [];
    for (let index = 0; index < 20; index += 1) {
      users.push(await (index % 2 ? server : second).parley.signUp(`shared${index}`));
    }
    await Promise.all(users.map(({ email }) => sink.waitFor(email, WELCOME)));
    for (const { email } of users) {
      await waitForRow(email, ({ state }) => state === 'sent');
      expect(offersTo(email)).toHaveLength(1);
    }
  } finally {
    await second.stop();
  }
});

test('a mail arrives after an outage of the mail server', async () => {
  const port = await freePort();
  const cutOff = await startServer({ smtpUrl: `smtp://127.0.0.1:${port}`, mailTiming: QUICK });
  const user = await cutOff.parley.signUp('cut-off');
  await waitForRow(user.email, ({ error }) => /ECONNREFUSED/.test(error), cutOff);
  const revived = await SmtpSink.listen(port);
  try {
    const mail = await revived.waitFor(user.email, WELCOME);
    expect((await cutOff.parley.get(`/api/auth/verify-email?token=${tokenIn(mail)}`)).status).toBe(200);
  } finally {
    await cutOff.close();
    await revived.close();
  }
});

test('a mail that a stopped server did not send is sent after the next start', async () => {
  const database = await createTestDatabase();
  const first = await startServer({ smtpUrl: `smtp://127.0.0.1:${await freePort()}` }, database);
  const user = await first.parley.signUp('left-over');
  await first.stop();
  const second = await startServer({ smtpUrl: sink.url }, database);
  try {
    const mail = await sink.waitFor(user.email, WELCOME);
    expect((await second.parley.get(`/api/auth/verify-email?token=${tokenIn(mail)}`)).status).toBe(200);
  } finally {
    await second.close();
  }
});

test('without SMTP each mail is a file that only its owner may read', async () => {
  const local = await startServer();
  try {
    const { email } = await local.parley.signUp('local');
    await local.mailbox.waitFor(email, WELCOME);
    const folder = join(local.settings.dataDir, 'mail');
    const files = readdirSync(folder);
    expect(files).toEqual([expect.stringMatching(/^[\w.-]+\.eml$/)]);
    expect(statSync(join(folder, files[0])).mode & 0o777).toBe(0o600);
    const mail = await PostalMime.parse(readFileSync(join(folder, files[0])));
    expect(mail.to).toEqual([{ name: '', address: email }]);
    expect(mail.from?.address).toBe('parley@parley.test');
    expect(mail.text).toContain('http://parley.test/api/auth/verify-email?token=');
    expect(mail.html).toContain('http://parley.test/api/auth/verify-email?token');
  } finally {
    await local.close();
  }
});
