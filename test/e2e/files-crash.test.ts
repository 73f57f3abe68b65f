import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChildServer } from '../support/child-server.js';
import { connectTo } from '../support/file-server.js';
import { form } from '../support/forms.js';
import { type Answer, expectSuccess, type Json, type Member } from '../support/parley.js';
import { createTestDatabase, type TestDatabase } from '../support/server.js';
import { filesIn } from '../support/storages.js';
import { until } from '../support/until.js';

const MEBIBYTE = 1_048_576;

let database: TestDatabase;
let server: ChildServer;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  await server.kill();
  await database.drop();
});

const stored = () => filesIn(join(database.dataDir, 'files'));

async function start(prelude?: string): Promise<void> {
  server = await ChildServer.start(database, {}, prelude);
}

async function crashAndRestart(): Promise<void> {
  await server.kill('SIGKILL');
  await start();
}

async function sendFile(sender: Member, chat: string): Promise<Json> {
  const path = `/api/chats/${chat}/messages`;
  return expectSuccess(await sender.post(path, { type: 'file', filename: 'notes.txt' })).data;
}

/** Uploads to the restarted server. A member itself keeps calling the server that it signed up at. */
const upload = (uuid: string, { token }: Member, content: string | Uint8Array): Promise<Answer> =>
  server.parley.request('POST', `/api/files/${uuid}`, { token, ...form({ content }) });

const download = (uuid: string, { token }: Member) => server.parley.get(`/api/files/${uuid}`, { token });

test('an upload interrupted by a crash is not served, is removed, and can be repeated', async () => {
  await start();
  const alex = await server.parley.signUp('alex');
  const { uuid } = await sendFile(alex, await alex.createChat([]));
  const { raw, headers } = form({ content: randomBytes(8 * MEBIBYTE) });
  const socket = await connectTo(server.url);
  socket.write(
    `POST /api/files/${uuid} HTTP/1.1\r\nHost: x\r\nAuthorization: ${alex.token}\r\n` +
      `Content-Type: ${headers['content-type']}\r\nContent-Length: ${raw.length}\r\n\r\n`,
  );
  socket.write(raw.subarray(0, 4 * MEBIBYTE));
  await until('the upload to begin', () => (stored().length > 0 ? true : undefined));

  await crashAndRestart();
  expect(await download(uuid, alex)).toMatchObject({
    status: 400,
    body: { reason: 'specified file has not been uploaded yet' },
  });
  await until('the leftovers to be removed', () => (stored().length === 0 ? true : undefined));
  expectSuccess(await upload(uuid, alex, 'whole'));
  expect((await download(uuid, alex)).body).toBe('whole');
});

test('only files deleted before a crash are removed after it', async () => {
  await start();
  const alex = await server.parley.signUp('alex');
  const [chat, other] = [await alex.createChat([]), await alex.createChat([])];
  const kept = await sendFile(alex, other);
  const deleted = [await sendFile(alex, chat), await sendFile(alex, chat), await sendFile(alex, chat)];
  for (const { uuid } of [kept, ...deleted]) expectSuccess(await upload(uuid, alex, uuid));
  expectSuccess(await alex.delete(`/api/chats/${chat}`));

  await crashAndRestart();
  for (const { uuid } of deleted) expect((await download(uuid, alex)).status).toBe(400);
  await until('the bytes to be removed', () => (stored().length === 1 ? true : undefined));
  expect((await download(kept.uuid, alex)).body).toBe(kept.uuid);
});

test('a full disk answers 507, stores nothing, and still takes a smaller file', async () => {
  // Limits every file to 12 MiB, which is enough for the database and too little for the upload.
  await start('ulimit -f 12288');
  const alex = await server.parley.signUp('alex');
  const { uuid } = await sendFile(alex, await alex.createChat([]));
  const large = randomBytes(16 * MEBIBYTE);
  for (const content of [large, large]) {
    expect(await upload(uuid, alex, content)).toMatchObject({
      status: 507,
      body: expect.objectContaining({
        status: 'error',
        reason: 'there is no room left to store the file',
      }) as unknown,
    });
  }
  expect(stored()).toEqual([]);
  expectSuccess(await upload(uuid, alex, 'small'));
  expect((await download(uuid, alex)).body).toBe('small');
});
