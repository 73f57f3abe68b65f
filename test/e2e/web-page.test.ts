import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasNoBrowser, keepScreenshot, launchBrowser } from '../support/browser.js';
import { Chatter, PHONE, PHONE_SIZE } from '../support/chatter.js';
import { freePort } from '../support/free-port.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { pictureOf } from '../support/pictures.js';
import { createTestDatabase, startServer, type TestDatabase, type TestServer } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const SLOW = { timeout: 90_000 };

let browser: Browser;
let database: TestDatabase;
let server: TestServer;
let chatters: Chatter[];

beforeAll(async () => {
  if (!hasNoBrowser) browser = await launchBrowser();
}, 60_000);
afterAll(() => browser?.close());

beforeEach(async () => {
  chatters = [];
  database = await createTestDatabase();
  server = await startServer({}, database);
});
afterEach(async () => {
  for (const { person } of chatters) {
    // What the content security policy blocks is an error, too.
    expect(person.problems).toEqual([]);
    await person.close();
  }
  await server.stop();
  await database.drop();
});

async function signUp(username: string, options?: Parameters<typeof Chatter.signUp>[3]): Promise<Chatter> {
  const chatter = await Chatter.signUp(browser, server.url, username, options);
  chatters.push(chatter);
  return chatter;
}

test('WEB=off serves the API alone', async () => {
  expect((await server.parley.get('/')).status).toBe(200);
  const other = await startServer({ web: false });
  try {
    const { status, body } = await other.parley.get('/');
    expect([status, body.code]).toEqual([404, 'route_not_found']);
    expect((await other.parley.get('/api/health/live')).status).toBe(200);
  } finally {
    await other.close();
  }
});

test('the page is never stored, its assets always, and nothing from elsewhere may run', async () => {
  const page = await fetch(`${server.url}/`);
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('content-security-policy')).toBe(
    "default-src 'none';frame-ancestors 'none';script-src 'self';style-src 'self';img-src 'self' blob:;" +
      "media-src 'self' blob:;connect-src 'self';base-uri 'none';form-action 'none'",
  );
  const [, script] = /<script[^>]* src="\.(\/assets\/[^"]+)"/.exec(await page.text()) ?? [];
  const asset = await fetch(server.url + script);
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(gzipSync(Buffer.from(await asset.arrayBuffer())).length).toBeLessThan(40_000);
  for (const path of ['/assets/', '/assets/none.js', '/src/main.tsx']) {
    expect((await server.parley.get(path)).status, path).toBe(404);
  }
});

describe.skipIf(hasNoBrowser)('the page', () => {
  test('two people talk, one of them on a phone', SLOW, async () => {
    const alex = await signUp('alex', { name: 'Alex' });
    const sam = await signUp('sam', { name: 'Sam', ...PHONE });
    await alex.begin(['sam'], { name: 'Lunch', message: 'Are you hungry?' });

    const link = sam.page.getByRole('link', { name: 'Lunch' });
    await link.getByText('1 unread').waitFor();
    await sam.person.review('page-list');
    await sam.page.setViewportSize(PHONE_SIZE);
    await link.click();
    await sam.message('Are you hungry?').waitFor();
    await sam.page.getByLabel('Message', { exact: true }).pressSequentially('Yes');
    await alex.page.getByText('Sam is typing…').waitFor();
    await sam.send('Yes, very');
    await alex.message('Yes, very').waitFor();

    const own = sam.message('Yes, very');
    await own.getByRole('button', { name: 'Edit' }).click();
    await sam.fill('New text', 'No, not at all');
    await sam.press('Save');
    await alex.message('No, not at all').getByText('(edited)').waitFor();
    sam.page.once('dialog', (dialog) => void dialog.accept());
    await own.or(sam.message('No, not at all')).getByRole('button', { name: 'Delete' }).click();
    await alex.message('No, not at all').waitFor({ state: 'detached' });

    await sam.page.getByRole('link', { name: 'Back' }).click();
    await alex.send('How about noodles?');
    await link.getByText('1 unread').waitFor();
    await sam.page.waitForFunction("document.title === '(1) Parley'");
    await link.click();
    await sam.message('How about noodles?').waitFor();
    await sam.page.getByRole('link', { name: 'Back' }).click();
    await sam.page.locator('a:focus', { hasText: 'Lunch' }).waitFor();
    await link.getByText('unread').waitFor({ state: 'detached' });
    await alex.person.review('page-conversation');
  });

  test(
    'pictures and files are sent with a progress bar, and seen and saved by the others',
    SLOW,
    async () => {
      const alex = await signUp('alex');
      const sam = await signUp('sam');
      await alex.begin(['sam'], { name: 'Files', message: 'look' });
      await sam.open('Files');

      await alex.attach({ name: 'wall.png', mimeType: 'image/png', buffer: pictureOf(60, 40) });
      const picture = sam.page.getByRole('img', { name: 'wall.png' });
      await until(
        'the picture',
        async () => (await picture.evaluate((img: Json) => img.naturalWidth)) === 60 || undefined,
      );

      const buffer = Buffer.alloc(3_000_000, 'parley');
      const bar = alex.page.getByRole('progressbar', { name: 'Upload of notes.txt' });
      await alex.page.route(
        '**/api/files/*',
        async (route) => {
          await bar.waitFor();
          await route.continue();
        },
        { times: 1 },
      );
      await alex.attach({ name: 'notes.txt', mimeType: 'text/plain', buffer });
      const saved = sam.page.waitForEvent('download');
      await sam.page.getByRole('button', { name: 'Download notes.txt 3.0 MB' }).click();
      const download = await saved;
      expect(download.suggestedFilename()).toBe('notes.txt');
      expect((await readFile(await download.path())).equals(buffer)).toBe(true);
      await bar.waitFor({ state: 'detached' });

      await alex.attach({ name: 'fake.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
      await alex.page.getByText('Uploaded file must be an image.').waitFor();
      await alex.press('Remove the upload of fake.png');
      expect((await sam.page.getByRole('img').all()).length).toBe(1);
      await sam.page.getByText('Not uploaded yet.').waitFor({ state: 'detached' });
    },
  );

  test('the end of the list stays in view while many messages come', SLOW, async () => {
    const alex = await signUp('alex');
    const sam = await server.parley.signUp('sam');
    const chat = await createChatWith(sam, 'alex');
    await alex.open('Chat');
    await alex.message('first').waitFor();
    for (const start of [0, 40, 80]) {
      await Promise.all(Array.from({ length: 40 }, (_, n) => sam.send(chat, `line ${start + n}.\n\n\n`)));
    }
    await sam.send(chat, 'the last one');
    const last = alex.message('the last one');
    await until('the end', async () => (await isInside(last, alex.page.getByRole('log'))) || undefined);
    await alex.page.getByRole('link', { name: 'Chat' }).getByText('unread').waitFor({ state: 'detached' });
  });

  test('older messages appear while scrolling, and the place stays', SLOW, async () => {
    const alex = await signUp('alex');
    const sam = await server.parley.signUp('sam');
    const chat = await createChatWith(sam, 'alex');
    for (let n = 1; n <= 130; n += 1) await sam.send(chat, `line ${n}.`);
    await alex.open('Chat');
    await alex.message('line 130.').waitFor();
    expect(await alex.message('line 80.').count()).toBe(0);
    const log = alex.page.getByRole('log');
    const seen = alex.message('line 81.');
    // The beginning of the list loads what is before.
    await seen.scrollIntoViewIfNeeded();
    await alex.message('line 80.').waitFor();
    await until('the place', async () => (await isInside(seen, log)) || undefined);
    for (const text of ['line 31.', 'first']) {
      await until(text, async () => {
        await log.evaluate((list: Json) => (list.scrollTop = 0));
        return (await alex.message(text).count()) > 0 || undefined;
      });
    }
  });

  test('what is written without a connection is sent once when it is back', SLOW, async () => {
    const proxy = new TcpProxy({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    await proxy.open();
    const alex = await Chatter.signUp(browser, `http://127.0.0.1:${proxy.port}`, 'alex');
    chatters.push(alex);
    const sam = await signUp('sam');
    await alex.begin(['sam'], { name: 'Train', message: 'hello' });
    await sam.open('Train');
    await proxy.cut();
    await alex.status('No connection').waitFor();
    const texts = ['one.', 'two.', 'three.'];
    for (const text of texts) await alex.send(text);
    await alex.message('three.').getByText('Sending…').waitFor();
    expect(await sam.message('one.').count()).toBe(0);
    await proxy.open();
    for (const { page, message } of [alex, sam]) {
      await message('three.').waitFor();
      await until(
        'nothing to wait',
        async () => (await page.getByText('Sending…').count()) === 0 || undefined,
      );
      expect(await page.locator('.message .text').allInnerTexts()).toEqual(['hello', ...texts]);
    }
    await alex.status('No connection').waitFor({ state: 'detached' });
    await proxy.cut();
  });

  test('goes on after a restart of the server, and after the page is loaded anew', SLOW, async () => {
    const port = await freePort();
    const start = () => ServerProcess.start(database, { PORT: String(port) });
    let restarted = await start();
    try {
      const alex = await Chatter.signUp(browser, restarted.url, 'alex');
      chatters.push(alex);
      await alex.begin([], { name: 'Notes', message: 'before' });
      await restarted.end('SIGKILL');
      await alex.status('No connection').waitFor();
      await alex.send('while it is away');
      await alex.page.reload({ timeout: 1_000 }).catch(() => {});
      restarted = await start();
      await alex.page.goto(`${restarted.url}/`);
      await alex.open('Notes');
      await alex.message('while it is away').waitFor();
      await until(
        'nothing to wait',
        async () => (await alex.page.getByText('Sending…').count()) === 0 || undefined,
      );
      expect(await alex.page.locator('.message .text').allInnerTexts()).toEqual([
        'before',
        'while it is away',
      ]);
      await alex.press('Log out');
      await alex.logIn();
    } finally {
      await restarted.end('SIGKILL');
    }
  });

  test('rooms are created, found and joined, the private ones with their password', SLOW, async () => {
    const alex = await signUp('alex');
    const sam = await signUp('sam');
    await alex.press('Rooms');
    const formOf = ({ page }: Chatter, button: string) =>
      page.locator('form').filter({ has: page.getByRole('button', { name: button, exact: true }) });
    const creation = formOf(alex, 'Create');
    await creation.getByLabel('Name').fill('Kitchen');
    await alex.press('Create');
    await alex.page.getByRole('heading', { name: 'Kitchen' }).waitFor();
    await alex.press('Rooms');
    await creation.getByLabel('Name').fill('Office');
    await creation.getByLabel('Password').fill('secret');
    await alex.press('Create');
    await alex.page.getByRole('heading', { name: 'Office' }).waitFor();

    await sam.press('Rooms');
    await sam.page.getByRole('button', { name: 'Kitchen Join' }).click();
    await sam.page.getByRole('heading', { name: 'Kitchen' }).waitFor();
    await sam.press('Rooms');
    expect(await sam.page.getByRole('button', { name: 'Office' }).count()).toBe(0);
    const joining = formOf(sam, 'Join');
    await joining.getByLabel('Name').fill('Office');
    await sam.press('Join');
    await sam.page.getByText('Password required.').waitFor();
    await joining.getByLabel('Password').fill('secret');
    await sam.person.review('page-rooms');
    await sam.press('Join');
    await sam.page.getByRole('heading', { name: 'Office' }).waitFor();
    await sam.send('Here I am');
    await alex.message('Here I am').waitFor();
  });

  test('a chat is renamed, and members are added, removed and leave', SLOW, async () => {
    const alex = await signUp('alex', { name: 'Alex' });
    const sam = await signUp('sam', { name: 'Sam' });
    await alex.begin([], { name: 'Notes', message: 'mine' });
    await alex.press('Members');
    await alex.fill('Add people', 'sam');
    await alex.page.getByRole('button', { name: '@sam' }).click();
    await alex.fill('New name of the chat', 'Ours');
    await alex.press('Rename');
    await sam.open('Ours');
    await sam.message('mine').waitFor();
    await alex.person.review('page-members');
    await alex.press('Remove Sam');
    await sam.page.getByText('You are not a member of this chat.').waitFor();
    await sam.page.getByRole('link', { name: 'Ours' }).waitFor({ state: 'detached' });
    await alex.fill('Add people', 'sam');
    await alex.page.getByRole('button', { name: '@sam' }).click();
    await sam.message('mine').waitFor();
    await sam.send('here again');
    await sam.message('here again').waitFor();
    await alex.press('Leave the chat');
    await alex.page.getByText('No chats yet.').waitFor();
  });

  test('an upload goes on while another chat is shown', SLOW, async () => {
    const alex = await signUp('alex');
    await alex.begin([], { name: 'One', message: 'first' });
    await alex.begin([], { name: 'Two', message: 'second' });
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await alex.page.route('**/api/files/*', async (route) => {
      await held;
      await route.continue();
    });
    await alex.attach({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') });
    await alex.open('One');
    await alex.message('first').waitFor();
    expect(await alex.page.getByRole('progressbar').count()).toBe(0);
    await alex.open('Two');
    const bar = alex.page.getByRole('progressbar', { name: 'Upload of a.txt' });
    await bar.waitFor();
    release();
    await alex.page.getByRole('button', { name: 'Download a.txt 1 B' }).waitFor();
    await bar.waitFor({ state: 'detached' });
  });

  test('one tab leaves the session of another user in another tab alone', SLOW, async () => {
    const alex = await signUp('alex');
    const other = await alex.page.context().newPage();
    await other.goto(server.url);
    await other.getByRole('button', { name: 'Log out' }).waitFor();
    await alex.press('Log out');
    await alex.register('sam');
    await other.getByRole('button', { name: 'Log in', exact: true }).waitFor();
    await alex.page.reload();
    await alex.page.getByRole('heading', { name: 'sam' }).waitFor();
  });

  test('a message that is refused says why, and may be discarded', SLOW, async () => {
    const alex = await signUp('alex');
    await alex.begin([], { name: 'Notes', message: 'first' });
    await alex.send('x'.repeat(16_384));
    await alex.message('Not sent').getByRole('alert').filter({ hasText: "Field 'message'" }).waitFor();
    await alex.send('good');
    await alex.message('good').waitFor();
    await alex.press('Try again');
    await alex.message('Not sent').waitFor();
    await alex.press('Discard');
    await alex.message('Not sent').waitFor({ state: 'detached' });
  });

  test('wrong names, passwords and ended sessions are told', SLOW, async () => {
    const alex = await signUp('alex');
    await alex.press('Log out');
    await alex.fill('Username', 'alex');
    await alex.fill('Password', 'wrong');
    await alex.press('Log in');
    await alex.page.getByText('Invalid username or password.').waitFor();
    await alex.press('Forgot your password?');
    await alex.page.getByText('Invalid username or password.').waitFor({ state: 'detached' });
    await alex.press('Mail a link');
    await alex.status('a mail with a link is on its way').waitFor();
    await server.mailbox.waitFor('alex@example.com', /password/i);
    await alex.person.review('page-log-in');
    await alex.logIn();
    const { token } = JSON.parse(await alex.page.evaluate("localStorage['parley-session']"));
    expectSuccess(await server.parley.get('/api/auth/logout', { token }));
    await alex.page.getByRole('button', { name: 'Log in' }).waitFor();
  });

  test('everything is reached by the keyboard alone', SLOW, async () => {
    const { page } = await signUp('alex');
    const tabTo = async (label: string) => {
      await until(`the focus on ${label}`, async () => {
        await page.keyboard.press('Tab');
        const focus = page.locator(':focus');
        if ((await focus.count()) === 0) return undefined;
        const name = (await focus.getAttribute('aria-label')) ?? (await focus.innerText());
        const labels = await focus.evaluate((element: Json) =>
          [...(element.labels ?? [])].map((one) => one.innerText),
        );
        return [name, ...labels].includes(label) || undefined;
      });
    };
    await tabTo('New chat');
    await page.keyboard.press('Enter');
    await tabTo('First message');
    await page.keyboard.type('by keys');
    await page.keyboard.press('Enter');
    await page.locator('.message', { hasText: 'by keys' }).waitFor();
    await tabTo('Message');
    await page.keyboard.type('one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    await page.keyboard.press('Enter');
    await until('both lines', async () => {
      const texts = await page.locator('.message .text').allInnerTexts();
      return texts.includes('one\ntwo') || undefined;
    });
    await tabTo('Edit');
    await page.keyboard.press('Enter');
    await page.locator('[aria-label="New text"]:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.message:focus').waitFor();
    await tabTo('Members');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('looks as in the README', SLOW, async () => {
    const alex = await signUp('alex', { name: 'Alex', viewport: { width: 1000, height: 640 } });
    const sam = await server.parley.signUp('sam');
    expectSuccess(await sam.put('/api/users/sam', { name: 'Sam' }));
    const others = await Promise.all(['kim', 'lee'].map((name) => server.parley.signUp(name)));
    for (const [n, other] of others.entries()) {
      const chat = await createChatWith(other, 'alex');
      expectSuccess(await other.put(`/api/chats/${chat}`, { name: ['Release', 'Reading group'][n] }));
      await other.send(chat, ['It is out!', 'Chapter three, then.'][n]);
    }
    await alex.begin(['sam'], { name: 'Mountains', message: 'Shall we go on Saturday?' });
    const [{ uuid }] = expectSuccess(await sam.get('/api/chats')).data;
    await sam.send(uuid, 'Yes! The forecast is good.');
    await alex.attach({ name: 'view.png', mimeType: 'image/png', buffer: pictureOf(320, 180) });
    await alex.page.getByRole('img', { name: 'view.png' }).waitFor();
    await sam.send(uuid, 'I bring the map.');
    expectSuccess(await sam.post(`/api/chats/${uuid}/typing`));
    await alex.page.getByText('Sam is typing…').waitFor();
    await keepScreenshot(alex.page, 'page');
  });

  test("a user's text is never HTML", SLOW, async () => {
    const evil = '<img src=x onerror="document.title=1"><b>bold</b>';
    const alex = await signUp('alex', { name: evil });
    const sam = await signUp('sam');
    await alex.begin(['sam'], { name: evil, message: evil });
    await alex.attach({
      name: `${evil.replaceAll('/', '')}.txt`,
      mimeType: 'text/plain',
      buffer: Buffer.from('x'),
    });
    await alex.press('Rooms');
    await alex.page.getByLabel('Name', { exact: true }).last().fill('<i>room</i>');
    await alex.press('Create');
    await alex.page.getByRole('heading', { name: '<i>room</i>' }).waitFor();
    await sam.open(evil);
    await sam.message(evil).first().waitFor();
    await sam.page.getByRole('button', { name: /^Download <img/ }).waitFor();
    await sam.press('Members');
    for (const { page } of chatters) {
      expect(await page.locator('img, b b, i').count()).toBe(0);
      expect(await page.title()).not.toBe('1');
    }
  });
});

/** A room member or chat that is created by the API. */
async function createChatWith(member: Member, username: string): Promise<string> {
  const json = { name: 'Chat', users: [username], message: 'first' };
  return expectSuccess(await member.post('/api/chats', json)).data.uuid;
}

async function isInside(inner: ReturnType<Chatter['message']>, outer: ReturnType<Chatter['message']>) {
  const [a, b] = [await inner.boundingBox(), await outer.boundingBox()];
  return a !== null && b !== null && a.y >= b.y - 1 && a.y + a.height <= b.y + b.height + 1;
}
