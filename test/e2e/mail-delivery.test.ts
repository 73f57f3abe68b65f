import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MailTiming } from '#src/config/settings.js';
import { Reader, UnitOfWork } from '#src/database/unit-of-work.js';
import { MailWorker } from '#src/mail/mail.worker.js';
import { Outbox } from '#src/mail/outbox.service.js';
import { ChildServer } from '../support/child-server.js';
import { freePort } from '../support/free-port.js';
import { digest, expectSuccess, type Json, type Member } from '../support/parley.js';
import { holdRemovals } from '../support/removals.js';
import {
  createTestDatabase,
  onMysql,
  QUICK,
  startServer,
  type TestDatabase,
  type TestServer,
} from '../support/server.js';
import { type ReceivedMail, smtpError, SmtpSink } from '../support/smtp-sink.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const WELCOME = /^Welcome to Parley: verify your email address$/;
const RESET = /^Reset your password$/;
const CHANGED = /^Your password was changed$/;
const SECOND_US = 1_000_000;

/** A test can wait for the end of these leases. */
const SHORT_LEASE: MailTiming = { ...QUICK, leaseMs: 5_000, renewalMs: 250 };

const USUAL_BACKOFF: MailTiming = { ...QUICK, backoffMs: 1_000 };

let sink: SmtpSink;
let server: TestServer;

beforeAll(async () => {
  sink = await SmtpSink.listen();
  server = await startServer({ smtpUrl: sink.url, mailTiming: QUICK, rateLimits: false });
});

afterEach(() => sink.release());

afterAll(async () => {
  await server.close();
  await sink.close();
});

const forget = ({ parley, username }: Member) => parley.get(`/api/auth/forgot-password?username=${username}`);
const changePassword = (user: Member) =>
  user.put(`/api/users/${user.username}`, { password: digest('another') });

const rows = ({ app }: TestServer, where = '1 = 1') =>
  app.get(Reader).query<Json>(`SELECT * FROM mails WHERE ${where} ORDER BY id`);
const rowsTo = (on: TestServer, { email }: Member) => rows(on, `address = '${email}'`);
const change = ({ app }: TestServer, set: string, where: string) =>
  app.get(UnitOfWork).run((tx) => tx.execute(`UPDATE mails SET ${set} WHERE ${where}`));

/** Waits until the newest mail to the user fulfils the condition. */
const waitForRow = (on: TestServer, user: Member, fulfils: (row: Json) => boolean) =>
  until(`a mail to ${user.email}`, async () => {
    const row = (await rowsTo(on, user)).at(-1);
    return row && fulfils(row) ? row : undefined;
  });
const waitForState = (on: TestServer, user: Member, state: string) =>
  waitForRow(on, user, (row) => row.state === state);

const isTo = (user: Member) => (mail: ReceivedMail) => mail.recipients.includes(user.email);
const subjectsTo = (user: Member, mails: ReceivedMail[]) =>
  mails.filter(isTo(user)).map(({ subject }) => subject);
/** Returns the id of the mail's row, which is part of the Message-ID. */
const rowIdOf = ({ messageId }: ReceivedMail) => Number(messageId?.split('.')[1]);
const count = (total: number, mails: ReceivedMail[]) =>
  until(`${total} mails`, () => mails.length >= total || undefined);

/** Runs the task with a server of its own, on a new database unless one is given. */
async function withServer(
  { smtpUrl = sink.url, mailTiming = QUICK, database }: Partial<Setup>,
  task: (on: TestServer) => Promise<void>,
): Promise<void> {
  const on = await startServer({ smtpUrl, mailTiming, rateLimits: false }, database);
  try {
    await task(on);
  } finally {
    await (database ? on.stop() : on.close());
  }
}

interface Setup {
  smtpUrl: string;
  mailTiming: MailTiming;
  database: TestDatabase;
}

describe('an outage of the mail server', () => {
  test('delays 500 mails, which then arrive once each and in order per address', async () => {
    const port = await freePort();
    await withServer({ smtpUrl: `smtp://127.0.0.1:${port}` }, async (cutOff) => {
      const causeFive = async (n: number) => {
        const user = await cutOff.parley.signUp(`crowd${n}`);
        for (const cause of [forget, changePassword, forget, changePassword]) await cause(user);
        return user;
      };
      const users = await Promise.all(Array.from({ length: 100 }, (_, n) => causeFive(n)));
      const revived = await SmtpSink.listen(port);
      revived.verdict = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      try {
        await count(500, revived.accepted);
        await until('all mails to be marked as sent', async () =>
          (await rows(cutOff, `state <> 'sent'`)).length === 0 ? true : undefined,
        );
        expect(new Set(revived.offered.map(({ messageId }) => messageId)).size).toBe(500);
        expect(revived.offered).toHaveLength(500);
        for (const user of users) {
          const mails = revived.accepted.filter(isTo(user));
          expect(mails.map(({ subject }) => subject)).toEqual([
            expect.stringMatching(WELCOME),
            ...[RESET, CHANGED, RESET, CHANGED].map((subject) => expect.stringMatching(subject)),
          ]);
          const ids = mails.map(rowIdOf);
          expect(ids).toEqual(ids.toSorted((a, b) => a - b));
        }
      } finally {
        await revived.close();
      }
    });
  });

  test('is probed with single mails, while the others wait unclaimed', async () => {
    await withServer({ smtpUrl: `smtp://127.0.0.1:${await freePort()}` }, async (cutOff) => {
      await Promise.all(Array.from({ length: 50 }, (_, n) => cutOff.parley.signUp(`patient${n}`)));
      const tried = await until('some attempts', async () => {
        const mails = await rows(cutOff, 'attempts > 0');
        return mails.length >= 3 ? mails : undefined;
      });
      expect(tried.length).toBeLessThan(25);
    });
  });
});

test('a handler of new mails that fails affects neither the request nor the other handlers', async () => {
  // Without polling, only the worker's handler can start the sending.
  await withServer({ mailTiming: { ...QUICK, pollMs: 600_000 } }, async (on) => {
    on.app.get(Outbox).mailAdded.add(() => {
      throw new Error('broken handler');
    });
    const user = await on.parley.signUp('handled');
    await sink.waitFor(user.email, WELCOME);
  });
});

describe('a slow mail server', () => {
  test('delays no mail that it accepts quickly, and receives at most eight mails at once', async () => {
    let letGo = () => {};
    const released = new Promise<void>((resolve) => (letGo = resolve));
    sink.verdict = async ({ recipients }) => {
      if (!recipients[0].startsWith('slow')) return;
      await released;
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const slow = await Promise.all(Array.from({ length: 7 }, (_, n) => server.parley.signUp(`slow${n}`)));
    await until('seven mails under way', () => sink.offered.filter(isToAny(slow)).length === 7 || undefined);
    const quick = await server.parley.signUp('quick');
    await sink.waitFor(quick.email, WELCOME);
    const more = await Promise.all(Array.from({ length: 25 }, (_, n) => server.parley.signUp(`slower${n}`)));
    await until('an eighth', () => sink.offered.some(isToAny(more)) || undefined);
    letGo();
    for (const user of [...slow, ...more]) await waitForState(server, user, 'sent');
    expect(sink.maxConcurrent).toBe(8);
  });

  const isToAny = (users: Member[]) => (mail: ReceivedMail) => users.some((user) => isTo(user)(mail));

  test('receives each mail from one of two instances, even if a mail takes longer than a lease', async () => {
    const database = await createTestDatabase();
    await withServer({ mailTiming: SHORT_LEASE, database }, async (first) => {
      await withServer({ mailTiming: SHORT_LEASE, database }, async (second) => {
        sink.hold();
        const users = [await first.parley.signUp('tardy'), await second.parley.signUp('tardier')];
        for (const user of users) {
          await sink.waitForOffer(user.email, WELCOME);
          const [{ due_at: leased }] = await rowsTo(first, user);
          await waitForRow(second, user, (row) => row.due_at > leased + SHORT_LEASE.leaseMs * 1_000);
        }
        sink.release();
        for (const user of users) {
          expect(await waitForState(first, user, 'sent')).toMatchObject({ attempts: 1 });
          expect(sink.offered.filter(isTo(user))).toHaveLength(1);
        }
      });
    });
    await database.drop();
  });
});

describe('mails to one address', () => {
  test('wait for a mail that is refused temporarily', async () => {
    sink.verdict = ({ subject = '' }) => {
      if (WELCOME.test(subject)) throw smtpError(451, 'greylisted, come back later');
    };
    const user = await server.parley.signUp('greylisted');
    await waitForRow(server, user, ({ error }) => /greylisted/.test(error));
    await forget(user);
    await until('more attempts', async () => (await rowsTo(server, user))[0].attempts > 2 || undefined);
    sink.release();
    await sink.waitFor(user.email, RESET);
    expect(subjectsTo(user, sink.accepted)).toEqual([
      expect.stringMatching(WELCOME),
      expect.stringMatching(RESET),
    ]);
    expect(sink.offered.filter(isTo(user)).findIndex(({ subject = '' }) => RESET.test(subject))).toBe(
      sink.offered.filter(isTo(user)).length - 1,
    );
  });

  test('do not wait for a mail that is refused permanently', async () => {
    sink.recipientVerdict = (address) => {
      if (address === 'moved-away@example.com') throw smtpError(550, 'no such user here');
    };
    const user = await server.parley.signUp('moved-away');
    expect(await waitForState(server, user, 'failed')).toMatchObject({
      attempts: 1,
      error: expect.stringContaining('550 no such user here'),
    });
    sink.release();
    await forget(user);
    await sink.waitFor(user.email, RESET);
    expect(subjectsTo(user, sink.offered)).toHaveLength(1);
    expect((await rowsTo(server, user))[0]).toMatchObject({ state: 'failed', attempts: 1 });
  });

  test('do not wait for a mail to another address', async () => {
    sink.verdict = ({ recipients }) => {
      if (recipients.includes('full@example.com')) throw smtpError(452, 'mailbox full');
    };
    const full = await server.parley.signUp('full');
    await waitForRow(server, full, ({ error }) => /mailbox full/.test(error));
    await sink.waitFor((await server.parley.signUp('roomy')).email, WELCOME);
  });
});

describe('the reason of a failure', () => {
  test('is stored without a token that the mail server quotes', async () => {
    sink.verdict = ({ text = '' }) => {
      throw smtpError(554, `not with that link: ${/http\S+/.exec(text)?.[0]}`);
    };
    const user = await server.parley.signUp('quoted');
    const { error } = await waitForState(server, user, 'failed');
    expect(error).toContain('not with that link: http://parley.test/api/auth/verify-email?token=…');
    expect(error).not.toContain('eyJ');
  });

  test('is cut to 500 characters without splitting one', async () => {
    sink.verdict = () => {
      throw smtpError(550, 'x'.repeat(5) + '😀'.repeat(600));
    };
    const user = await server.parley.signUp('long-winded');
    const { error } = await waitForState(server, user, 'failed');
    expect([...error]).toHaveLength(500);
    expect(error.isWellFormed()).toBe(true);
    expect(error).toMatch(/😀$/u);
  });

  test('does not stop an operator from sending the mail again as the README describes', async () => {
    sink.verdict = () => {
      throw smtpError(550, 'blocked');
    };
    const user = await server.parley.signUp('unblocked');
    const { id } = await waitForState(server, user, 'failed');
    sink.release();
    await change(server, `state = 'waiting', attempts = 0, due_at = 0`, `id = ${id}`);
    await sink.waitFor(user.email, WELCOME);
    expect(await waitForState(server, user, 'sent')).toMatchObject({ error: null });
  });
});

describe('the back-off', () => {
  /** Lets the mail fail in the given attempt, and returns the seconds until the next one. */
  async function backoffOf(on: TestServer, user: Member, attempts: number): Promise<number> {
    await waitForRow(on, user, (row) => row.error !== null);
    await change(on, `attempts = ${attempts - 1}, due_at = 0`, `address = '${user.email}'`);
    // A lease ends sooner than any of these back-offs.
    const leaseEnd = Date.now() * 1_000 + 2 * USUAL_BACKOFF.leaseMs * 1_000;
    const row = await waitForRow(on, user, (mail) => mail.attempts === attempts && mail.due_at > leaseEnd);
    return row.due_at / SECOND_US - Date.now() / 1_000;
  }

  test('of a mail grows to ten minutes, with jitter', async () => {
    sink.verdict = ({ recipients }) => {
      if (recipients[0].startsWith('paused')) throw smtpError(451, 'later');
    };
    await withServer({ mailTiming: USUAL_BACKOFF }, async (on) => {
      const users = await Promise.all(
        ['paused1', 'paused2', 'paused3'].map((name) => on.parley.signUp(name)),
      );
      const backoffs = [];
      for (const user of users) backoffs.push(await backoffOf(on, user, 30));
      for (const backoff of backoffs) {
        expect(backoff).toBeGreaterThan(250);
        expect(backoff).toBeLessThan(950);
      }
      expect(new Set(backoffs.map(Math.round)).size).toBeGreaterThan(1);
    });
  });
});

describe('a mail that fails for three days', () => {
  const refuseAll = () => {
    sink.verdict = () => {
      throw smtpError(451, 'not today');
    };
  };

  async function failAgain(name: string, attempts: number): Promise<Json> {
    refuseAll();
    const user = await server.parley.signUp(name);
    await waitForRow(server, user, ({ error }) => error !== null);
    const age = `created_at = created_at - ${73 * 3_600 * SECOND_US}`;
    await change(
      server,
      `${age}, attempts = ${attempts}, due_at = 0, error = NULL`,
      `address = '${user.email}'`,
    );
    return waitForRow(server, user, (row) => row.error !== null && row.attempts > attempts);
  }

  test('is given up with the reason', async () => {
    expect(await failAgain('hopeless', 30)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('not today'),
    });
  });

  test('is retried if it had few attempts', async () => {
    expect(await failAgain('forgotten', 1)).toMatchObject({ state: 'waiting' });
  });
});

describe('a server that stops', () => {
  test('finishes the mail under way', async () => {
    const database = await createTestDatabase();
    const stopping = await startServer({ smtpUrl: sink.url, mailTiming: QUICK }, database);
    sink.hold();
    const user = await stopping.parley.signUp('unhurried');
    await sink.waitForOffer(user.email, WELCOME);
    const stopped = stopping.stop();
    sink.release();
    await stopped;
    await withServer({ database }, async (next) => {
      expect(await rowsTo(next, user)).toEqual([expect.objectContaining({ state: 'sent', attempts: 1 })]);
    });
    await database.drop();
    expect(sink.offered.filter(isTo(user))).toHaveLength(1);
  });

  test('by SIGKILL leaves its mail to another server, which sends it after the lease', async () => {
    const database = await createTestDatabase();
    const killed = await ChildServer.start(database, { SMTP_URL: sink.url });
    sink.hold();
    const user = await killed.parley.signUp('survivor');
    await sink.waitForOffer(user.email, WELCOME);
    await killed.kill();
    // The sink never accepts the mail that it holds.
    sink.verdict = () => {};
    await withServer({ database }, async (next) => {
      const [left] = await rowsTo(next, user);
      expect(left).toMatchObject({ state: 'waiting', attempts: 1 });
      expect(left.due_at).toBeLessThanOrEqual((Date.now() + 60_000) * 1_000);
      await change(next, 'due_at = 0', `id = ${left.id}`);
      await waitForState(next, user, 'sent');
      expect(sink.accepted.filter(isTo(user))).toHaveLength(1);
    });
    await database.drop();
  });
});

test('a mail server that crashes after accepting a mail receives it at most twice, with the same Message-ID', async () => {
  const dying = await SmtpSink.listen();
  await withServer({ smtpUrl: dying.url }, async (on) => {
    dying.beforeAnswer = () => void dying.crash();
    const user = await on.parley.signUp('twice');
    await until('the failure', async () => (await rowsTo(on, user))[0].error ?? undefined);
    const revived = await SmtpSink.listen(dying.port);
    try {
      const mail = await revived.waitFor(user.email, WELCOME);
      await waitForState(on, user, 'sent');
      expect(dying.accepted.map(({ messageId }) => messageId)).toEqual([mail.messageId]);
      expect(revived.offered).toHaveLength(1);
    } finally {
      await revived.close();
    }
  });
});

test.runIf(onMysql)('a mail that is accepted while the database is down is sent once', async () => {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  const proxy = new TcpProxy({ host: url.hostname, port: Number(url.port || 3306) });
  await proxy.open();
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  await withServer({ database: { ...database, url: url.href } }, async (on) => {
    const user = await on.parley.signUp('in-between');
    await waitForState(on, user, 'sent');
    sink.beforeAnswer = () => proxy.cut();
    await forget(user);
    await sink.waitFor(user.email, RESET);
    let refused = 0;
    await until('the outage to be noticed', async () => {
      const { status } = await on.parley.get('/api/users?username=x', { token: user.token });
      refused += status === 503 ? 1 : 0;
      return refused >= 20 || undefined;
    });
    sink.beforeAnswer = () => {};
    await proxy.open();
    await until('both mails to be marked as sent', async () => {
      const states = (await rowsTo(on, user).catch(() => [])).map(({ state }) => state);
      return states.join() === 'sent,sent' || undefined;
    });
    expect(subjectsTo(user, sink.offered)).toHaveLength(2);
  });
  await proxy.cut();
  await database.drop();
});

describe('a worker whose mail was claimed by another one', () => {
  let idle: TestServer;
  let outbox: Outbox;

  beforeAll(async () => {
    idle = await startServer({ smtpUrl: sink.url, mailTiming: QUICK });
    await idle.app.get(MailWorker).onModuleDestroy();
    outbox = idle.app.get(Outbox);
  });

  afterAll(() => idle.close());

  async function claimTwice(name: string) {
    const user = await idle.parley.signUp(name);
    const [{ mail: stale }] = await outbox.claim(1);
    expect(await outbox.claim(1)).toEqual([]);
    await change(idle, 'due_at = 0', `id = ${stale.id}`);
    const [{ mail }] = await outbox.claim(1);
    expect(mail.id).toBe(stale.id);
    return { user, stale, before: await rowsTo(idle, user) };
  }

  test('can neither save a failure nor renew the lease', async () => {
    const { user, stale, before } = await claimTwice('overslept');
    await outbox.saveOutcomes([{ mail: stale, failure: { reason: 'my connection broke', retryInMs: null } }]);
    await outbox.renewLeases([stale]);
    expect(await rowsTo(idle, user)).toEqual(before);
    await outbox.saveOutcomes([
      { mail: { ...stale, attempts: 2 }, failure: { reason: 'mine too', retryInMs: null } },
    ]);
    expect(await rowsTo(idle, user)).toEqual([
      expect.objectContaining({ state: 'failed', error: 'mine too' }),
    ]);
  });

  test('can save that the mail was sent', async () => {
    const { user, stale } = await claimTwice('sleepless');
    await outbox.saveOutcomes([{ mail: stale }]);
    expect(await rowsTo(idle, user)).toEqual([expect.objectContaining({ state: 'sent' })]);
  });

  test('claims no mail of an erased user, which holds up none to the same address', async () => {
    const erased = await idle.parley.signUp('namesake');
    const remove = holdRemovals(idle);
    expectSuccess(await erased.delete('/api/users/namesake'));
    await change(idle, 'due_at = 0', `address = '${erased.email}'`);
    await idle.parley.signUp('namesake');
    await change(idle, 'due_at = 1', `address = '${erased.email}' AND due_at > 0`);
    const claims = await outbox.claim(1);
    expect(claims).toMatchObject([{ content: { username: 'namesake' } }]);
    await remove();
  });

  test('never shares it, even if several claim at once', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, n) => idle.parley.signUp(`wanted${n}`)));
    const claims = (await Promise.all(Array.from({ length: 4 }, () => outbox.claim(10)))).flat();
    expect(claims).toHaveLength(10);
    expect(new Set(claims.map(({ mail }) => mail.id)).size).toBe(10);
  });
});
