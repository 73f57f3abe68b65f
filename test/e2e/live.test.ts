import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { FanOut } from '#src/live/fan-out.js';
import { LiveClient, TRANSPORTS } from '../support/live.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

let server: TestServer;
let alex: Member;
let sam: Member;
const clients: LiveClient[] = [];

beforeAll(async () => {
  server = await startServer();
  [alex, sam] = await Promise.all(['alex', 'sam'].map((name) => server.parley.signUp(name)));
});

afterAll(async () => {
  for (const client of clients) client.close();
  await server.close();
});

test.each(TRANSPORTS)('a client hears over %s of a message, and resumes after it', async (_, follow) => {
  const chat = await alex.createChat([sam]);
  const client = await follow(sam);
  clients.push(client);
  expect(client.recovered).toBe(false);
  await alex.send(chat, 'hello');
  const event = await client.waitFor('message.created');
  expect(event).toMatchObject({ chat, data: { index: 1, message: 'hello', sender: alex.user } });
  client.close();

  await alex.send(chat, 'again');
  expectSuccess(await alex.put(`/api/chats/${chat}/messages/1`, { message: 'edited' }));
  const later = await follow(sam, event.id);
  clients.push(later);
  expect(later.recovered).toBe(true);
  await later.waitFor('message.updated');
  expect(
    later.events.filter((one) => one.chat === chat).map(({ type, data }) => [type, data.message]),
  ).toEqual([
    ['message.created', 'again'],
    ['message.updated', 'edited'],
  ]);
});

describe('what the README shows', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const [, section] = /^## Follow your chats\n([\s\S]*?)\n## /m.exec(readme) ?? [];
  const blockOf = (language: string) =>
    (new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(section)?.[1] ?? '').replaceAll(
      'http://127.0.0.1:3000',
      server.url,
    );

  test('curl shows events as they happen', async () => {
    const chat = await alex.createChat([sam]);
    const env = { PATH: process.env.PATH, API: `${server.url}/api`, AUTH: `Authorization: ${sam.token}` };
    const curl = spawn('bash', ['-c', blockOf('sh')], { env });
    let shown = '';
    curl.stdout.on('data', (bytes: Buffer) => (shown += bytes.toString()));
    await until('ready', () => shown.includes('event: ready') || undefined);
    await alex.send(chat, 'as it happens');
    await until('the message', () => shown.includes('as it happens') || undefined);
    curl.kill();
  });

  test('the function follows, and resumes after a lost connection', async () => {
    const chat = await alex.createChat([sam]);
    const code = blockOf('js').replace('ws://127.0.0.1:3000', server.url.replace('http', 'ws'));
    const soon = (run: () => void, _ms: number, ...values: []) => setTimeout(run, 50, ...values);
    const texts: string[] = [];
    let loads = 0;
    // oxlint-disable-next-line typescript/no-implied-eval
    const follow = new Function('WebSocket', 'setTimeout', `${code}; return follow;`)(WebSocket, soon);
    // A resume repeats what happened in other chats shortly before.
    const onEvent = (event: Json) =>
      event.chat === chat && event.type === 'message.created' && texts.push(event.data.message);
    follow(sam.token, onEvent, () => (loads += 1));
    await until('the first load', () => loads || undefined);
    await alex.send(chat, 'one');
    await until('the first event', () => texts[0]);
    server.app.get(FanOut).endAll('restart');
    await alex.send(chat, 'two');
    await until('the second event', () => texts[1]);
    expect({ texts, loads }).toEqual({ texts: ['one', 'two'], loads: 1 });
    // The function has no end: it goes on until the token is revoked.
    expectSuccess(await sam.get('/api/auth/logout'));
  });
});
