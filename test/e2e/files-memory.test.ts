import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StorageSettings } from '#src/config/settings.js';
import { ChildServer } from '../support/child-server.js';
import { connectTo } from '../support/file-server.js';
import { expectSuccess, type Member } from '../support/parley.js';
import { createTestDatabase, type TestDatabase } from '../support/server.js';
import { openTestStorage, S3_CREDENTIALS, STORAGE_KINDS, type TestStorage } from '../support/storages.js';

const MEBIBYTE = 1_048_576;

describe.each(STORAGE_KINDS)('on %s', (kind) => {
  let database: TestDatabase;
  let storage: TestStorage;
  let server: ChildServer;
  let alex: Member;
  let chat: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    storage = await openTestStorage(kind);
    const env = { STORAGE_URL: storageUrl(storage.settings), ...S3_CREDENTIALS };
    server = await ChildServer.start(database, env);
    alex = await server.parley.signUp('alex');
    chat = await alex.createChat([]);
    for (let round = 0; round < 3; round += 1) await download((await upload(12 * MEBIBYTE)).uuid);
  });

  afterAll(async () => {
    await server.kill();
    await storage.close();
    await database.drop();
  });

  /** Streams `size` bytes, of which at most 1 MiB is in memory. */
  async function upload(size: number): Promise<{ uuid: string; sha256: string }> {
    const message = { type: 'file', filename: 'large.bin' };
    const { uuid } = expectSuccess(await alex.post(`/api/chats/${chat}/messages`, message)).data;
    const hash = createHash('sha256');
    const boundary = 'xxxx';
    async function* body() {
      yield `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`;
      for (let sent = 0; sent < size; sent += MEBIBYTE) {
        const piece = Buffer.alloc(MEBIBYTE, sent / MEBIBYTE);
        hash.update(piece);
        yield piece;
      }
      yield `\r\n--${boundary}--\r\n`;
    }
    const headers = {
      authorization: alex.token,
      'content-type': `multipart/form-data; boundary=${boundary}`,
    };
    const sending = request(`${server.url}/api/files/${uuid}`, { method: 'POST', headers });
    const [[answer]] = await Promise.all([once(sending, 'response'), pipeline(body, sending)]);
    (answer as IncomingMessage).resume();
    expect((answer as IncomingMessage).statusCode).toBe(200);
    return { uuid, sha256: hash.digest('hex') };
  }

  async function download(uuid: string): Promise<string> {
    const headers = { authorization: alex.token };
    const { body } = await fetch(`${server.url}/api/files/${uuid}`, { headers });
    const hash = createHash('sha256');
    for await (const chunk of body ?? []) hash.update(chunk as Uint8Array);
    return hash.digest('hex');
  }

  /** Measures the peak growth of the server's memory during `work`. */
  async function growth<T>(work: () => Promise<T>): Promise<{ mebibytes: number; result: T }> {
    server.resetPeak();
    const before = server.memory('VmRSS');
    const result = await work();
    return { mebibytes: server.memory('VmHWM') - before, result };
  }

  test('uploading and downloading 100 MiB takes less than 40 MiB of memory', async () => {
    const up = await growth(() => upload(100 * MEBIBYTE));
    const down = await growth(() => download(up.result.uuid));
    expect(down.result).toBe(up.result.sha256);
    expect(up.mebibytes).toBeLessThan(40);
    expect(down.mebibytes).toBeLessThan(40);
  });

  test('60 stalled downloads take less than 40 MiB of memory and block nobody', async () => {
    const { uuid, sha256 } = await upload(16 * MEBIBYTE);
    const stalled = await growth(async () => {
      const sockets = await Promise.all(Array.from({ length: 60 }, () => connectTo(server.url)));
      for (const socket of sockets) {
        socket.pause();
        socket.write(`GET /api/files/${uuid} HTTP/1.1\r\nHost: x\r\nAuthorization: ${alex.token}\r\n\r\n`);
      }
      expect(await download(uuid)).toBe(sha256);
      return sockets;
    });
    for (const socket of stalled.result) socket.destroy();
    expect(stalled.mebibytes).toBeLessThan(40);
  });
});

function storageUrl(settings: StorageSettings): string {
  if (settings.kind === 'disk') return `file:${settings.folder}`;
  const query = new URLSearchParams({ region: settings.region, endpoint: settings.endpoint ?? '' });
  return `s3://${settings.bucket}/${settings.prefix}?${query.toString()}`;
}
