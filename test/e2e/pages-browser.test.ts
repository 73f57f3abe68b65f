import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import { MAIL_KINDS } from '#src/mail/mail.entity.js';
import { renderMail } from '#src/mail/mail.renderer.js';
import { hasNoBrowser, launchBrowser } from '../support/browser.js';
import { claimsOf, signJwt } from '../support/jwt.js';
import { digest, type Member } from '../support/parley.js';
import { Person } from '../support/person.js';
import { startServer, type TestServer } from '../support/server.js';
import { type ReceivedMail, SmtpSink } from '../support/smtp-sink.js';

const WELCOME = /verify your email address$/;
const RESET = /^Reset your password$/;
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** A well-formed token that the server did not issue. */
const SOME_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl';
const API = '/api/auth/reset-password';

let sink: SmtpSink;
let server: TestServer;
let browser: Browser;
let person: Person;

beforeAll(async () => {
  if (hasNoBrowser) return;
  // A name, because browsers treat plain HTTP to a loopback address as secure.
  browser = await launchBrowser(['--host-resolver-rules=MAP parley.test 127.0.0.1']);
  sink = await SmtpSink.listen();
  server = await startServer({ smtpUrl: sink.url });
  server.settings.publicUrl = publicUrlOf(server);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await sink?.close();
});

afterEach(async () => {
  if (!person) return;
  const { problems, requests } = person;
  const headers = await Promise.all(requests.map((request) => request.allHeaders()));
  await person.close();
  expect(problems).toEqual([]);
  for (const request of requests) expect(new URL(request.url()).hostname).toBe('parley.test');
  expect(headers.filter(({ referer }) => referer)).toEqual([]);
});

const publicUrlOf = ({ url }: TestServer) => url.replace('127.0.0.1', 'parley.test');
const resetLink = (token: string, on = server) => `${publicUrlOf(on)}/reset-password?token=${token}`;
const verifyLink = (token: string, on = server) => `${publicUrlOf(on)}/api/auth/verify-email?token=${token}`;

async function openBrowser(options?: BrowserContextOptions): Promise<Person> {
  person = await Person.with(browser, options);
  return person;
}

function tokenIn({ text }: ReceivedMail): string {
  const [token] = TOKEN.exec(text ?? '') ?? [];
  if (!token) throw new Error('the mail has no token');
  return token;
}

async function resetTokenOf({ username, email }: Member): Promise<string> {
  await server.parley.get(`/api/auth/forgot-password?username=${username}`);
  return tokenIn(await sink.waitFor(email, RESET));
}

/** Signs the token again with changed claims. */
const signWithChanges = (token: string, changes: object) =>
  signJwt({ ...claimsOf(token), ...changes }, server.settings.jwtSecret);

/** Opens the form and submits it by keyboard. */
async function choosePassword(token: string, first: string, second = first): Promise<void> {
  await person.page.goto(resetLink(token));
  await typePasswords(first, second);
}

async function typePasswords(first: string, second = first): Promise<void> {
  const { keyboard } = person.page;
  await keyboard.press('Tab');
  expect(await person.focused()).toBe('password');
  await keyboard.type(first);
  await keyboard.press('Tab');
  expect(await person.focused()).toBe('repeated');
  await keyboard.type(second);
  await keyboard.press('Enter');
}

/** Waits for the outcome, checks that screen readers announce it, and returns its heading. */
async function outcome(): Promise<string> {
  await person.page.locator('#outcome h1').waitFor();
  expect(await person.focused()).toBe('outcome');
  expect(await person.page.locator('#form').count()).toBe(0);
  expect(await person.page.title()).toBe(`${await person.heading()} – Parley`);
  return person.heading();
}

/** Waits for the error message of the form. */
async function notice(): Promise<string> {
  const alert = person.page.getByRole('alert').filter({ hasText: /./ });
  await alert.waitFor();
  return alert.innerText();
}

describe.skipIf(hasNoBrowser)('the page for a new password', () => {
  test('leads from the mail to a login by keyboard, and its link works once', async () => {
    const alex = await server.parley.signUp('alex', { name: 'Alex <b>& Co</b>' });
    await server.parley.get('/api/auth/forgot-password?username=alex');
    const mail = await sink.waitFor(alex.email, RESET);
    const { page } = await openBrowser();
    await page.setContent(mail.html ?? '');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(resetLink(tokenIn(mail)));

    expect(await person.heading()).toBe('Choose a new password');
    const secure = await page.evaluate('[isSecureContext, typeof crypto.subtle]');
    expect(secure).toEqual([false, 'undefined']);
    await person.review('reset-1-form');

    const password = 'pässwörd 🐎 – 正しい馬';
    await typePasswords(password);
    expect(await outcome()).toBe('Your new password is set');
    await person.review('reset-2-done');
    expect(person.sent).toEqual([`GET ${resetLink(tokenIn(mail))}`, `POST ${publicUrlOf(server)}${API}`]);

    expect(await server.parley.login('alex', digest(password))).toMatch(TOKEN);
    const old = { username: 'alex', password: alex.password };
    expect((await server.parley.post('/api/auth/login', old)).status).toBe(401);
    await sink.waitFor(alex.email, /^Your password was changed$/);

    await choosePassword(tokenIn(mail), 'another password');
    expect(await outcome()).toBe('This link is used up');
    await person.review('reset-3-used');
    expect(await server.parley.login('alex', digest(password))).toMatch(TOKEN);
  });

  test('reports an expired link', async () => {
    await openBrowser();
    const token = await resetTokenOf(await server.parley.signUp('late'));
    await choosePassword(signWithChanges(token, { exp: 1_000 }), 'a new password');
    expect(await outcome()).toBe('This link has expired');
    await person.review('reset-4-expired');
  });

  test('reports a truncated link, without a request if the format shows it', async () => {
    const cut = await server.parley.signUp('cut');
    const token = await resetTokenOf(cut);
    const { page } = await openBrowser();
    await choosePassword(token.slice(0, -9), 'a new password');
    expect(await outcome()).toBe('This link is not complete');

    const requests = person.sent.length;
    await page.goto(resetLink(`${token.slice(0, 60)}…`));
    expect(await outcome()).toBe('This link is not complete');
    await person.review('reset-5-cut-off');
    await page.goto(resetLink(''));
    expect(await person.heading()).toBe('This link is not complete');
    await person.review('reset-6-no-token');
    expect(person.sent.slice(requests).filter((line) => line.startsWith('POST'))).toEqual([]);
    expect(await server.parley.login('cut', cut.password)).toMatch(TOKEN);
  });

  test('moves the focus to an invalid password and sends nothing', async () => {
    const { page } = await openBrowser();
    // Seven characters of two code units each.
    await choosePassword(SOME_TOKEN, '🐎'.repeat(7));
    expect(await person.focused()).toBe('password');
    const password = page.getByLabel('New password');
    expect(await password.getAttribute('aria-invalid')).toBe('true');
    expect(await describedBy('#password')).toMatch(/Please choose at least 8 characters/);
    await person.review('reset-7-too-short');

    await page.keyboard.type('🐎');
    expect(await password.getAttribute('aria-invalid')).toBeNull();
    await page.keyboard.press('Enter');
    expect(await person.focused()).toBe('repeated');
    expect(await describedBy('#repeated')).toMatch(/not the same password/);
    await person.review('reset-8-differ');
    expect(person.sent).toHaveLength(1);
  });

  /** Returns what screen readers announce with the field, besides its label. */
  async function describedBy(field: string): Promise<string> {
    const ids = await person.page.locator(field).getAttribute('aria-describedby');
    const texts = (ids ?? '').split(' ').map((id) => person.page.locator(`#${id}`).innerText());
    return (await Promise.all(texts)).join(' ');
  }

  test('can show the passwords', async () => {
    const { page } = await openBrowser();
    await page.goto(resetLink(SOME_TOKEN));
    const types = () =>
      page
        .locator('#password, #repeated')
        .evaluateAll((fields) => fields.map((field) => field.getAttribute('type')));
    expect(await types()).toEqual(['password', 'password']);
    await page.getByLabel('Show the passwords').focus();
    await page.keyboard.press('Space');
    expect(await types()).toEqual(['text', 'text']);
    await page.keyboard.press('Space');
    expect(await types()).toEqual(['password', 'password']);
  });

  test('sends one request, however often Enter is pressed, and shows that it is busy', async () => {
    const user = await server.parley.signUp('impatient');
    const { page } = await openBrowser();
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(`**${API}`, async (route) => {
      await released;
      await route.continue();
    });
    await choosePassword(await resetTokenOf(user), 'only once, please');
    await page.keyboard.press('Enter');
    const button = page.getByRole('button');
    await button.click({ force: true });
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    expect(await button.innerText()).toBe('Saving your password …');
    await person.review('reset-9-busy');
    release();
    expect(await outcome()).toBe('Your new password is set');
    expect(person.sent.filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  test('allows a retry after a failure of the network, a proxy or the server', async () => {
    const user = await server.parley.signUp('unlucky');
    const token = await resetTokenOf(user);
    const { page } = await openBrowser();
    const failures = [
      [/cannot be reached/, { abort: 'internetdisconnected' }],
      [/has a problem/, { status: 503, body: '{"status":"error","reason":"try again later"}' }],
      [/has a problem/, { status: 401, body: '<p>Who are you?</p>' }],
      // A captive portal.
      [/has a problem/, { status: 200, body: '<p>Welcome!</p>' }],
    ] as const;
    await page.goto(resetLink(token));
    await page.getByLabel('New password').fill('a lucky password');
    await page.getByLabel('The same password again').fill('a lucky password');
    for (const [words, answer] of failures) {
      await page.route(
        `**${API}`,
        (route) => ('abort' in answer ? route.abort(answer.abort) : route.fulfill(answer)),
        { times: 1 },
      );
      await page.getByRole('button').click();
      expect(await notice()).toMatch(words);
      expect(await page.getByRole('button').getAttribute('aria-disabled')).toBe('false');
    }
    await person.review('reset-10-trouble');
    await page.getByRole('button').click();
    expect(await outcome()).toBe('Your new password is set');
    expect(await server.parley.login('unlucky', digest('a lucky password'))).toMatch(TOKEN);
  });

  test('times out after 30 seconds', async () => {
    const { page } = await openBrowser();
    await page.clock.install();
    await page.route(`**${API}`, () => {});
    await choosePassword(SOME_TOKEN, 'a patient password');
    await page.clock.runFor(29_000);
    expect(await page.getByRole('button').getAttribute('aria-disabled')).toBe('true');
    await page.clock.runFor(2_000);
    expect(await notice()).toMatch(/cannot be reached/);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  test('works behind a proxy that serves Parley under a path', async () => {
    const { page } = await openBrowser();
    const base = publicUrlOf(server);
    const asked: string[] = [];
    await page.route(`${base}/chat/**`, (route) => {
      asked.push(route.request().url());
      return route.continue({ url: route.request().url().replace('/chat/', '/') });
    });
    await page.goto(`${base}/chat/reset-password?token=${SOME_TOKEN}`);
    await typePasswords('a new password');
    expect(await outcome()).toBe('This link is not complete');
    expect(asked.at(-1)).toBe(`${base}/chat${API}`);
  });

  test('says that it needs JavaScript', async () => {
    const { page } = await openBrowser({ javaScriptEnabled: false });
    await page.goto(resetLink(SOME_TOKEN));
    expect(await page.locator('noscript').innerText()).toMatch(/needs JavaScript/);
    expect(await page.locator('input:visible').count()).toBe(0);
  });
});

describe.skipIf(hasNoBrowser)('the page for a verified address', () => {
  test('is reached from the mail, and says on a second visit that the address is verified', async () => {
    const sam = await server.parley.signUp('sam');
    const mail = await sink.waitFor(sam.email, WELCOME);
    const isVerified = async () => (await sam.get('/api/users/sam')).body.data.verified;
    expect(await isVerified()).toBe(false);
    const { page } = await openBrowser();
    await page.setContent(mail.html ?? '');
    await page.getByRole('link', { name: 'Verify my email address' }).click();
    await page.waitForURL(verifyLink(tokenIn(mail)));
    expect(await person.heading()).toBe('Your email address is verified');
    await person.review('verify-1-done');
    expect(await isVerified()).toBe(true);
    expect(person.sent).toEqual([`GET ${verifyLink(tokenIn(mail))}`]);

    expect((await page.reload())?.status()).toBe(401);
    expect(await person.heading()).toBe('This link has been used already');
    expect(await page.getByRole('main').innerText()).toMatch(/your email address is verified/);
    await person.review('verify-2-used');
    expect(await isVerified()).toBe(true);
  });

  test('reports an expired and a truncated link', async () => {
    const user = await server.parley.signUp('slow');
    const token = tokenIn(await sink.waitFor(user.email, WELCOME));
    const { page } = await openBrowser();
    await page.goto(verifyLink(signWithChanges(token, { exp: 1_000 })));
    expect(await person.heading()).toBe('This link has expired');
    await person.review('verify-3-expired');
    for (const cutOff of [token.slice(0, -9), token.slice(0, 60), '']) {
      await page.goto(verifyLink(cutOff));
      expect(await person.heading()).toBe('This link is not complete');
    }
    await person.review('verify-4-cut-off');
    expect((await user.get('/api/users/slow')).body.data.verified).toBe(false);
  });
});

test.skipIf(hasNoBrowser)(
  'the pages tell a failing or unreachable server apart from an invalid link',
  async () => {
    const broken = await startServer();
    const user = await broken.parley.signUp('broken');
    const token = await broken.mailbox.waitForToken(user.email, WELCOME);
    const { page } = await openBrowser();
    try {
      await broken.app.get(UnitOfWork).run((tx) => tx.execute('DROP TABLE tokens'));
      const answer = await page.goto(verifyLink(token, broken));
      expect(answer?.status()).toBe(500);
      expect(answer?.headers()['x-request-id']).toMatch(/^[\w-]{36}$/);
      expect(await person.heading()).toBe('The server has a problem');
      await person.review('verify-5-trouble');
      await page.goto(
        resetLink(signJwt({ ...claimsOf(token), aud: 'reset-password' }, broken.settings.jwtSecret), broken),
      );
      await typePasswords('a new password');
      expect(await notice()).toMatch(/has a problem/);
    } finally {
      await broken.close();
    }
    await page.getByRole('button').click();
    await page.getByText('cannot be reached').waitFor();
  },
);

describe.skipIf(hasNoBrowser)('the mails', () => {
  test.each(MAIL_KINDS)('%s is accessible and fits a narrow phone', async (kind) => {
    const { html } = renderMail({
      kind,
      username: 'maximiliane'.repeat(5),
      name: `<b>Max</b> ${'Wolfeschlegelsteinhausenbergerdorff'.repeat(3)} 🚢`,
      address: `${'long'.repeat(15)}@a-rather-long-name.example.com`,
      token: SOME_TOKEN.padEnd(260, 'x'),
      publicUrl: 'https://chat.example.com',
    });
    const { page } = await openBrowser();
    await page.setContent(html);
    // Best practices for whole pages do not apply to a mail.
    await person.review(`mail-${kind}`, ['wcag2a', 'wcag2aa', 'wcag21aa']);
    expect(await page.locator('b').count()).toBe(0);
    expect(person.sent).toEqual([]);
  });
});
