import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasNoBrowser, launchBrowser } from '../support/browser.js';
import { bundleClient } from '../support/bundle.js';
import { createChat, joinAs, PASSWORD } from '../support/parley-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

/** The page of another team, at an origin of its own. Its client is `client`. */
const html = (code: string, url: string) => `<!doctype html><script>${code}
  const client = new parley.ParleyClient({ url: '${url}', storage: localStorage });
  const store = client.store();
  const find = (uuid) => store.getSnapshot().chats.find((chat) => chat.uuid === uuid);
</script>`;

describe.skipIf(hasNoBrowser)('in Chromium', () => {
  let server: TestServer;
  let pages: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    server = await startServer();
    const content = html(await bundleClient(), server.url);
    pages = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(content);
    });
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    browser = await launchBrowser(['--host-resolver-rules=MAP parley.test 127.0.0.1']);
    page = await (await browser.newContext()).newPage();
    await page.goto(`http://parley.test:${(pages.address() as AddressInfo).port}`);
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    pages.close();
    await server.close();
  });

  test('a page signs up, talks, uploads with progress and goes offline and back', async () => {
    // So there is no `crypto.subtle`.
    expect(await page.evaluate('isSecureContext')).toBe(false);
    const sam = await joinAs('sam', server.url);
    await page.evaluate(`(async () => {
      await client.signUp({ username: 'alex', password: '${PASSWORD}', email: 'alex@example.com', name: 'Alex' });
      await client.login('alex', '${PASSWORD}');
    })()`);
    const chat = await createChat(sam, ['alex']);
    const ask = (expression: string) => page.evaluate<unknown>(expression);
    const is = (expression: string) =>
      until(expression, async () => ((await ask(expression)) ? true : undefined));
    await is(`find('${chat}')?.unread === 1`);
    await ask(`store.open('${chat}')`);
    await ask(`client.send('${chat}', 'from the page').sent`);
    await is(`find('${chat}').messages.length === 2`);

    const progress = await ask(`(async () => {
      const told = [];
      const picture = new File([new Uint8Array(3_000_000)], 'zeros.bin');
      await client.upload('${chat}', picture, { onProgress: ({ loaded }) => told.push(loaded) });
      return told;
    })()`);
    expect((progress as number[]).at(-1)).toBe(3_000_000);
    await is(`find('${chat}').messages[2].file.used`);
    expect(
      await ask(
        `client.download(find('${chat}').messages[2].file.uuid).then((answer) => answer.blob()).then(({ size }) => size)`,
      ),
    ).toBe(3_000_000);

    await page.context().setOffline(true);
    await ask(`client.send('${chat}', 'one').key + client.send('${chat}', 'two').key`);
    await sam.send(chat, 'meanwhile').sent;
    await is(`find('${chat}').outgoing.length === 2 && localStorage.length === 1`);
    await page.context().setOffline(false);
    await is(`find('${chat}').messages.length === 6 && localStorage.length === 0`);
    expect(await ask(`find('${chat}').messages.map(({ message }) => message)`)).toEqual([
      'first',
      'from the page',
      '',
      'meanwhile',
      'one',
      'two',
    ]);
  });
});
