import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import { Storage } from '#src/files/storage/storage.js';
import { FileServer, type Link } from '../support/file-server.js';
import { form } from '../support/forms.js';
import { expectSuccess, type Json } from '../support/parley.js';
import { createTestDatabase, startServer } from '../support/server.js';
import { openTestStorage, S3_CREDENTIALS, STORAGE_KINDS } from '../support/storages.js';
import { until } from '../support/until.js';

const MEBIBYTE = 1_048_576;

const error = (reason: string) => expect.objectContaining({ status: 'error', reason }) as unknown;
const BODY = form({ content: Buffer.alloc(MEBIBYTE) });

/** Sends all of an upload but its last byte. */
async function beginUpload(files: FileServer, link: Link): Promise<Socket> {
  const socket = await files.connect();
  socket.write(files.uploadHead(link, BODY, BODY.raw.length));
  socket.write(BODY.raw.subarray(0, -1));
  await until('the upload to begin', async () =>
    (await files.unfinishedUploads(link)).length > 0 ? true : undefined,
  );
  return socket;
}

async function finishUpload(socket: Socket): Promise<{ status: number; body: Json }> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(BODY.raw.subarray(-1));
  const answer = await until(
    'the answer',
    () => /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n(\{.*\})$/.exec(text) ?? undefined,
  );
  socket.destroy();
  return { status: Number(answer[1]), body: JSON.parse(answer[2]) };
}

async function expectNothingLeft(files: FileServer, link: Link): Promise<void> {
  expect(await files.stored(link)).toEqual([]);
  expect(await files.unfinishedUploads(link)).toEqual([]);
}

describe.each(STORAGE_KINDS)('during an upload to %s', (kind) => {
  let files: FileServer;

  beforeAll(async () => {
    files = await FileServer.start(kind);
  });

  afterAll(() => files.close());

  test('the sender is removed from the chat', async () => {
    const chat = await files.sam.createChat([files.alex]);
    const link = await files.sendFile(files.alex, chat);
    const upload = await beginUpload(files, link);
    expectSuccess(await files.sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'alex' }));
    expect(await finishUpload(upload)).toEqual({
      status: 403,
      body: error('user is not part of specified chat'),
    });
    await expectNothingLeft(files, link);
    expect((await files.message(link, chat)).file.used).toBe(false);
  });

  test('the message is deleted', async () => {
    const link = await files.sendFile();
    const upload = await beginUpload(files, link);
    expectSuccess(await files.alex.delete(`/api/chats/${files.chat}/messages/${link.index}`));
    expect(await finishUpload(upload)).toEqual({ status: 400, body: error('specified file does not exist') });
    await expectNothingLeft(files, link);
  });

  test('another upload finishes first', async () => {
    const link = await files.sendFile();
    const upload = await beginUpload(files, link);
    expectSuccess(await files.upload(link, form({ content: 'fast' })));
    expect(await finishUpload(upload)).toEqual({
      status: 400,
      body: error('upload link has already been used'),
    });
    expect(await files.stored(link)).toHaveLength(1);
    expect((await files.download(link)).bytes.toString()).toBe('fast');
  });

  test('the sweeper aborts it', async () => {
    const link = await files.sendFile();
    const upload = await beginUpload(files, link);
    const unitOfWork = files.server.app.get(UnitOfWork, { strict: false });
    const abort = 'UPDATE uploads SET started_at = 0 WHERE storage_key LIKE ?';
    await unitOfWork.run((tx) => tx.execute(abort, [`${link.uuid}%`]));
    const { status } = await finishUpload(upload);
    expect(status).toBeGreaterThanOrEqual(500);
    await expectNothingLeft(files, link);
    expectSuccess(await files.upload(link, form({ content: 'again' })));
  });

  test('a second server starts on the same database and storage', async () => {
    const database = await createTestDatabase();
    const storage = await openTestStorage(kind);
    const first = await startServer({ storage: storage.settings }, database);
    const alex = await first.parley.signUp('alex');
    const message = { type: 'file', filename: 'a' };
    const path = `/api/chats/${await alex.createChat([])}/messages`;
    const link: Link = expectSuccess(await alex.post(path, message)).data;
    const both = Object.assign(Object.create(files) as FileServer, { server: first, storage, alex });
    const upload = await beginUpload(both, link);
    if (kind === 'disk') {
      await until('the first byte on the disk', async () =>
        (await both.stored(link)).length > 0 ? true : undefined,
      );
    }
    const second = await startServer({ storage: storage.settings }, database);
    if (kind === 'disk') {
      await until('the second server to sweep', async () =>
        (await both.stored(link)).length === 0 ? true : undefined,
      );
    }
    const { status } = await finishUpload(upload);
    const { used } = (await alex.get(`${path}/${link.index}`)).body.file;
    expect(used).toBe(status === 200);
    expect(await both.stored(link)).toHaveLength(used ? 1 : 0);
    if (!used)
      expectSuccess(
        await second.parley.request('POST', `/api/files/${link.uuid}`, { token: alex.token, ...BODY }),
      );
    expect((await second.parley.get(`/api/files/${link.uuid}`, { token: alex.token })).status).toBe(200);
    await second.stop();
    await first.close();
    await storage.close();
  });
});

describe('storage failures:', () => {
  let files: FileServer;
  let folder: string;

  beforeAll(async () => {
    files = await FileServer.start('disk');
    if (files.storage.settings.kind === 'disk') folder = files.storage.settings.folder;
  });

  afterAll(() => files.close());

  test('an unfinished upload is removed without a restart', async () => {
    const link = await files.sendFile();
    const key = `${link.uuid}.deadbeef`;
    await files.server.app.get(Storage, { strict: false }).write(key, Readable.from(['left behind']));
    const insert = 'INSERT INTO uploads (storage_key, started_at) VALUES (?, ?)';
    const unitOfWork = files.server.app.get(UnitOfWork, { strict: false });
    await unitOfWork.run((tx) => tx.execute(insert, [key, Date.now() * 1000]));
    await until('its bytes to be removed', async () =>
      (await files.stored(link)).length === 0 ? true : undefined,
    );
    await until('its row to be removed', async () =>
      (await files.unfinishedUploads(link)).length === 0 ? true : undefined,
    );
  });

  test('an upload that cannot be written answers 500 and leaves the link open', async () => {
    const link = await files.sendFile();
    const obstacle = join(folder, link.uuid.slice(0, 2));
    rmSync(obstacle, { recursive: true, force: true });
    writeFileSync(obstacle, '');
    expect(await files.upload(link, form({ content: Buffer.alloc(5 * MEBIBYTE) }))).toMatchObject({
      status: 500,
      body: error('internal server error'),
    });
    rmSync(obstacle);
    expectSuccess(await files.upload(link, form({ content: 'x' })));
  });

  test('a download without bytes answers 500 without the headers of the file', async () => {
    const link = await files.sendBytes('lost', 'a.txt', 'text/html');
    const [key] = await files.stored(link);
    rmSync(join(folder, key.slice(0, 2), key));
    const { status, headers, bytes } = await files.download(link);
    expect([status, JSON.parse(bytes.toString())]).toEqual([500, error('internal server error')]);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('etag')).toBeNull();
    expect(headers.get('content-disposition')).toBeNull();
  });

  test('a file that cannot be removed does not keep others', async () => {
    const [stuck, other] = [await files.sendBytes('stuck'), await files.sendBytes('other')];
    const [key] = await files.stored(stuck);
    const path = join(folder, key.slice(0, 2), key);
    rmSync(path);
    // The sweeper cannot remove a folder in the place of the file.
    mkdirSync(path);
    for (const { index } of [stuck, other])
      expectSuccess(await files.alex.delete(`/api/chats/${files.chat}/messages/${index}`));
    await until('the other to be removed', async () =>
      (await files.fileRows(other)).length === 0 ? true : undefined,
    );
    expect(await files.fileRows(stuck)).toHaveLength(1);
    rmSync(path, { recursive: true });
    await until('both to be removed', async () =>
      (await files.fileRows(stuck)).length === 0 ? true : undefined,
    );
  });

  test('an unreachable bucket answers 503', async () => {
    Object.assign(process.env, S3_CREDENTIALS);
    const storage = {
      kind: 's3',
      bucket: 'b',
      prefix: '',
      region: 'r',
      endpoint: 'http://127.0.0.1:1',
    } as const;
    const server = await startServer({ storage });
    const alex = await server.parley.signUp('alex');
    const path = `/api/chats/${await alex.createChat([])}/messages`;
    const { uuid } = expectSuccess(await alex.post(path, { type: 'file', filename: 'a' })).data;
    const large = form({ content: Buffer.alloc(30 * MEBIBYTE) });
    const { status } = await server.parley.request('POST', `/api/files/${uuid}`, {
      token: alex.token,
      ...large,
    });
    expect(status).toBe(503);
    await server.close();
  });
});

test('a user has at most 64 uploads under way, all users 256; the next answers 503 and leaves its link open', async () => {
  const files = await FileServer.start('disk');
  const { alex, chat } = files;
  const sockets: Socket[] = [];
  const users = await Promise.all(
    Array.from({ length: 3 }, (_, n) => files.server.parley.signUp(`uploader${n}`)),
  );
  for (const user of [alex, ...users]) {
    if (user !== alex) await alex.put(`/api/chats/${chat}`, { mode: 'add', user: user.username });
    const [link, other] = [await files.sendFile(user), await files.sendFile(user)];
    for (let n = 0; n < 64; n += 1) {
      const socket = await files.connect();
      socket.write(files.uploadHead(link, BODY, BODY.raw.length, user));
      sockets.push(socket);
    }
    await until('64 uploads under way', async () =>
      (await files.unfinishedUploads(link)).length === 64 ? true : undefined,
    );
    const { status, headers, body } = await files.upload(other, form({ content: 'x' }), user);
    expect([status, headers.get('retry-after'), body.code]).toEqual([503, '1', 'unavailable']);
  }
  const link = await files.sendFile(files.sam);
  expect((await files.upload(link, form({ content: 'x' }), files.sam)).status).toBe(503);
  for (const socket of sockets) socket.destroy();
  await until('an upload to succeed', async () => {
    const { status } = await files.upload(link, form({ content: 'x' }), files.sam);
    return status === 200 ? true : undefined;
  });
  await files.close();
});
