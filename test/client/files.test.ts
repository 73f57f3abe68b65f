import type { ParleyClient, Progress } from '@parley/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createChat, joinAs, openClient, PASSWORD, shortenWaits } from '../support/parley-client.js';
import { PNG } from '../support/pictures.js';
import { startServer, type TestServer } from '../support/server.js';
import { standIn } from '../support/stand-in.js';
import { until } from '../support/until.js';

const MAX_SIZE = 3_000_000;

let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await startServer({ maxFileSize: MAX_SIZE });
});

afterAll(() => server.close());

shortenWaits();

/** Returns a user who is alone in a chat. */
async function setUp(url = server.url) {
  const username = `alex${(users += 1)}`;
  const direct = await joinAs(username, server.url);
  const client = openClient({ url, session: direct.session! });
  return { client, chat: await createChat(direct, [username]) };
}

async function readAll({ api }: ParleyClient, chat: string) {
  const { data } = await api.GET('/api/chats/{chat}/messages', { params: { path: { chat } } });
  return data.data.messages.slice(1);
}

const untilEmpty = (client: ParleyClient, chat: string) =>
  until('no message', async () => (await readAll(client, chat)).length === 0 || undefined);

const fileOf = (size: number) => new File([new Uint8Array(size).fill(7)], 'näme.bin');

test('a file goes up with its progress, and comes down the same', async () => {
  const { client, chat } = await setUp();
  const told: Progress[] = [];
  const size = 2_000_000;
  const uploaded = await client.upload(chat, fileOf(size), { onProgress: (progress) => told.push(progress) });
  const loaded = told.map((progress) => progress.loaded);
  expect(loaded).toEqual([...new Set(loaded)].toSorted((a, b) => a - b));
  expect(loaded.length).toBeGreaterThan(2);
  expect(told.at(-1)).toEqual({ loaded: size, total: size });
  expect(await readAll(client, chat)).toMatchObject([
    {
      index: uploaded.index,
      type: 'file',
      file: { uuid: uploaded.uuid, filename: 'näme.bin', used: true, size },
    },
  ]);
  const answer = await client.download(uploaded.uuid);
  expect(Buffer.alloc(size, 7).equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
  expect(answer.headers.get('content-disposition')).toContain('attachment');
});

test('a picture becomes an image with a caption, unless it is to be a file', async () => {
  const { client, chat } = await setUp();
  const picture = new File([PNG], 'picture.png', { type: 'image/png' });
  await client.upload(chat, picture, { caption: 'look' });
  await client.upload(chat, picture, { type: 'file' });
  expect(await readAll(client, chat)).toMatchObject([
    { type: 'image', message: 'look', file: { filename: 'picture.png', contentType: 'image/png' } },
    { type: 'file', message: '', file: { filename: 'picture.png' } },
  ]);
});

test('what the server refuses leaves no message', async () => {
  const { client, chat } = await setUp();
  const fake = new File(['no picture'], 'fake.png', { type: 'image/png' });
  await expect(client.upload(chat, fake)).rejects.toMatchObject({ code: 'not_an_image', status: 400 });
  await expect(client.upload(chat, fileOf(MAX_SIZE + 1))).rejects.toMatchObject({
    code: 'too_large',
    status: 413,
  });
  await untilEmpty(client, chat);
});

test('an upload that is aborted throws the reason of its signal, and leaves no message', async () => {
  const { client, chat } = await setUp();
  const giveUp = new AbortController();
  const upload = client.upload(chat, fileOf(MAX_SIZE), {
    onProgress: () => giveUp.abort('enough'),
    signal: giveUp.signal,
  });
  await expect(upload).rejects.toBe('enough');
  await untilEmpty(client, chat);
});

test('an upload whose answers are lost is one message with its file', async () => {
  const seen: string[] = [];
  const url = await standIn(server.url, ({ url: path = '' }) => {
    const kind = path.includes('/files/') ? 'bytes' : 'message';
    seen.push(kind);
    return seen.filter((other) => other === kind).length === 1 ? 'lose' : undefined;
  });
  const { client, chat } = await setUp(url);
  const { uuid } = await client.upload(chat, fileOf(1_000));
  expect(seen).toEqual(['message', 'message', 'bytes', 'bytes']);
  const direct = openClient({ url: server.url, session: client.session! });
  expect(await readAll(direct, chat)).toMatchObject([{ file: { uuid, used: true, size: 1_000 } }]);
});

test('an upload that is given up before the answer about its message leaves no message', async () => {
  const giveUp = new AbortController();
  const url = await standIn(server.url, ({ method }) => {
    if (method !== 'POST' || giveUp.signal.aborted) return undefined;
    giveUp.abort('enough');
    return 'lose';
  });
  const { client, chat } = await setUp(url);
  await expect(client.upload(chat, fileOf(10), { signal: giveUp.signal })).rejects.toBe('enough');
  const { api } = client;
  const params = { path: { chat, message: 1 } };
  await until('the message to come and go', async () => {
    const { error } = await api.GET('/api/chats/{chat}', { params }).then(
      ({ data }) => ({ error: data.data[0].messages[0].index === 0 ? undefined : 'there' }),
      (thrown: Error) => ({ error: thrown.message }),
    );
    return error === undefined || undefined;
  });
  expect(await readAll(client, chat)).toEqual([]);
});

test('an upload ends with its session, and is not sent as the next user', async () => {
  const bytes: string[] = [];
  let hold = true;
  const url = await standIn(server.url, ({ url: path = '', headers }, response) => {
    if (!path.includes('/files/')) return;
    bytes.push(headers.authorization ?? '');
    if (hold) response.writeHead(503).end('{}');
  });
  const { client, chat } = await setUp(url);
  const { token } = client.session!;
  const upload = client.upload(chat, fileOf(10));
  const failure = expect(upload).rejects.toMatchObject({ code: 'token_missing' });
  await until('a try', () => bytes.length > 0 || undefined);
  const other = await joinAs(`alex${(users += 1)}`, server.url);
  await client.logout();
  await client.login(other.session!.user.username, PASSWORD);
  await failure;
  hold = false;
  expect(new Set(bytes)).toEqual(new Set([token]));
});
