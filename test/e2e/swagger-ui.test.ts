import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasNoBrowser, keepScreenshot, launchBrowser } from '../support/browser.js';
import type { Json } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let browser: Browser;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  if (hasNoBrowser) return;
  browser = await launchBrowser();
  server = await startServer();
  page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  page.setDefaultTimeout(30_000);
  page.on('pageerror', ({ message }) => problems.push(message));
  // Chromium reports what the policy blocks as errors, and a refused call as one that failed to load.
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text());
  });
  page.on('requestfailed', (request) => problems.push(`${request.url()} failed`));
  await page.goto(`${server.url}/api/docs`);
  await page.locator('.opblock').first().waitFor();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const operation = (method: string, path: string): Locator =>
  page
    .locator(`.opblock-${method.toLowerCase()}`)
    .filter({ has: page.locator(`.opblock-summary-path[data-path="${path}"]`) });

/** Opens the operation's form, or clears its last response. */
async function open(method: string, path: string): Promise<Locator> {
  const block = operation(method, path);
  const clear = block.getByRole('button', { name: 'Clear' });
  if (await clear.isVisible()) {
    await clear.click();
  } else {
    await block.locator('.opblock-summary-control').click();
    await block.getByRole('button', { name: 'Try it out' }).click();
  }
  return block;
}

const parameter = (block: Locator, name: string) => block.locator(`tr[data-param-name="${name}"] input`);

async function fillParameters(block: Locator, parameters: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(parameters)) await parameter(block, name).fill(value);
}

/** Presses Execute and returns the status that the page shows. */
async function execute(block: Locator): Promise<number> {
  await block.getByRole('button', { name: 'Execute' }).click();
  const status = block.locator('.live-responses-table tbody .response-col_status');
  return Number.parseInt(await status.innerText(), 10);
}

/** Returns the JSON that the page shows as the response. */
async function shownJson(block: Locator): Promise<Json> {
  return JSON.parse(
    await block.locator('.live-responses-table .response-col_description code').first().innerText(),
  );
}

/** Runs "Try it out" with the examples that the page fills in, and the given parameters. */
async function tryOut(
  method: string,
  path: string,
  { parameters = {}, example }: { parameters?: Record<string, string>; example?: string } = {},
): Promise<{ status: number; body: Json }> {
  const block = await open(method, path);
  await fillParameters(block, parameters);
  if (example)
    await block.locator('.opblock-section-request-body .examples-select select').selectOption(example);
  const status = await execute(block);
  const body = await shownJson(block);
  return { status, body };
}

function pngChunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([frame.subarray(0, 4), content, frame.subarray(4)]);
}

/** Creates a square of pixels that hardly compress, so that the file is larger than one read. */
function makePng(width: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(width, 4);
  header.set([8, 2], 8);
  const lines = Array.from({ length: width }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: width * 3 }, (_value, x) => (x * y * 2_654_435_761) >>> 24)]),
  );
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.concat(lines))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

test.skipIf(hasNoBrowser)(
  'a person registers, talks, uploads and downloads an image, and joins a room in the browser',
  async () => {
    expect(await tryOut('POST', '/api/users')).toEqual({ status: 200, body: { status: 'success' } });
    const login = await tryOut('POST', '/api/auth/login');
    expect(login).toMatchObject({ status: 200, body: { data: { token: expect.stringMatching(/^eyJ/) } } });

    expect(await tryOut('GET', '/api/chats')).toMatchObject({ status: 401 });
    await page.locator('.auth-wrapper button.authorize').first().click();
    const dialog = page.locator('.modal-ux');
    const apiKey = dialog.locator('form').filter({ hasText: /ApiKey/ });
    await apiKey.locator('input').fill(login.body.data.token);
    await apiKey.locator('button.authorize').click();
    await dialog.locator('.btn-done').first().click();

    const created = await tryOut('POST', '/api/chats');
    expect(created.status).toBe(200);
    const chat = created.body.data.uuid;
    const sent = await tryOut('POST', '/api/chats/{chat}/messages', { parameters: { chat } });
    expect(sent).toMatchObject({ status: 200, body: { data: { index: 1 } } });
    const link = await tryOut('POST', '/api/chats/{chat}/messages', {
      parameters: { chat },
      example: 'image',
    });
    expect(link).toMatchObject({ status: 200, body: { data: { index: 2 } } });
    const file = link.body.data.uuid;

    const png = makePng(64);
    const upload = await open('POST', '/api/files/{file}');
    await fillParameters(upload, { file });
    await upload
      .locator('input[type=file]')
      .setInputFiles({ name: 'square 😀.png', mimeType: 'image/png', buffer: png });
    expect(await execute(upload)).toBe(200);
    expect(await shownJson(upload)).toEqual({ status: 'success' });

    const download = await open('GET', '/api/files/{file}');
    await fillParameters(download, { file });
    expect(await execute(download)).toBe(200);
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      download.locator('.live-responses-table a[download]').click(),
    ]);
    expect(readFileSync(await saved.path()).equals(png)).toBe(true);

    const list = await tryOut('GET', '/api/chats/{chat}/messages', { parameters: { chat } });
    expect(list.status).toBe(200);
    expect(list.body.data.messages).toMatchObject([
      { index: 0, type: 'message' },
      { index: 1, message: 'Hello' },
      { index: 2, message: 'A caption', file: { filename: 'square 😀.png', used: true, size: png.length } },
    ]);
    const renamed = await tryOut('PUT', '/api/chats/{chat}', { parameters: { chat } });
    expect(renamed).toEqual({ status: 200, body: { status: 'success' } });

    const room = await tryOut('POST', '/api/create_room');
    expect(room).toMatchObject({ status: 201, body: { message: 'room "General Discussion" created' } });
    const joining = await open('POST', '/api/join_room');
    expect(await execute(joining)).toBe(200);
    expect(await shownJson(joining)).toMatchObject({ message: 'alex joined room "General Discussion"' });
    expect(await tryOut('POST', '/api/send_room_message')).toEqual({
      status: 200,
      body: { message: 'sent' },
    });
    const talk = await tryOut('GET', '/api/get_room_messages');
    expect(talk).toMatchObject({ status: 200, body: { messages: [{ username: 'alex', message: 'Hello' }] } });

    await keepScreenshot(page, 'swagger-ui');
    expect(problems).toEqual([]);
  },
  120_000,
);

test.skipIf(hasNoBrowser)('the dialog to authorize opens at the ApiKey', async () => {
  const context = await browser.newContext();
  const fresh = await context.newPage();
  await fresh.goto(`${server.url}/api/docs`);
  await fresh.getByRole('button', { name: 'Authorize' }).first().click();
  const focused = fresh.locator('.auth-container').filter({ has: fresh.locator('input:focus') });
  expect(await focused.locator('h4').innerText()).toMatch(/^ApiKey/);
  await keepScreenshot(fresh, 'swagger-authorize');
  await context.close();
});
