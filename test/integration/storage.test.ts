import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StorageSettings } from '#src/config/settings.js';
import { DiskStorage } from '#src/files/storage/disk.storage.js';
import { S3Storage } from '#src/files/storage/s3.storage.js';
import type { Storage } from '#src/files/storage/storage.js';
import { openTestStorage, STORAGE_KINDS, type TestStorage } from '../support/storages.js';

const MEBIBYTE = 1_048_576;

const open = async (settings: StorageSettings): Promise<Storage> =>
  settings.kind === 'disk' ? DiskStorage.open(settings.folder) : new S3Storage(settings);

describe.each(STORAGE_KINDS)('storage on %s', (kind) => {
  let testStorage: TestStorage;
  let storage: Storage;
  let count = 0;

  beforeAll(async () => {
    testStorage = await openTestStorage(kind);
    storage = await open(testStorage.settings);
  });

  afterAll(() => testStorage.close());

  const newKey = () => `${(count += 1).toString(16).padStart(4, '0')}.${randomBytes(4).toString('hex')}`;

  /** Copies each chunk, because the next one may overwrite it. */
  const read = async (...args: Parameters<Storage['read']>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of await storage.read(...args)) chunks.push(Buffer.from(chunk as Buffer));
    return Buffer.concat(chunks);
  };

  async function* failingSource(bytes: Buffer) {
    yield bytes;
    throw new Error('source failed');
  }

  test.each([0, 1, 100_000, 5 * MEBIBYTE, 5 * MEBIBYTE + 1, 17 * MEBIBYTE])(
    'stores and reads %i bytes',
    async (size) => {
      const key = newKey();
      const bytes = randomBytes(size);
      await storage.write(key, Readable.from([bytes]));
      expect((await read(key)).equals(bytes)).toBe(true);
    },
  );

  test('reads an inclusive range', async () => {
    const key = newKey();
    await storage.write(key, Readable.from([Buffer.from('abc'), Buffer.from('def')]));
    expect(String(await read(key, { start: 0, end: 1 }))).toBe('ab');
    expect(String(await read(key, { start: 1, end: 4 }))).toBe('bcde');
    expect(String(await read(key, { start: 5, end: 5 }))).toBe('f');
  });

  test('ignores the size and path that a stream claims', async () => {
    const key = newKey();
    const bytes = randomBytes(6 * MEBIBYTE);
    await storage.write(
      key,
      Object.assign(Readable.from([bytes]), { size: 0, length: 1, path: '/etc/passwd' }),
    );
    expect((await read(key)).equals(bytes)).toBe(true);
  });

  test('removes a key, and does nothing the second time', async () => {
    const [key, other] = [newKey(), newKey()];
    for (const name of [key, other]) await storage.write(name, Readable.from([Buffer.from(name)]));
    await storage.remove(key);
    await storage.remove(key);
    await expect(read(key)).rejects.toThrow();
    expect(String(await read(other))).toBe(other);
  });

  test('fails to read an unknown key, but not to remove it', async () => {
    await expect(read(newKey())).rejects.toThrow();
    await expect(storage.remove(newKey())).resolves.toBeUndefined();
  });

  test.each([0, 1_000, 12 * MEBIBYTE])(
    'stores nothing of a source that fails after %i bytes',
    async (size) => {
      const key = newKey();
      const writing = storage.write(key, Readable.from(failingSource(randomBytes(size))));
      await expect(writing).rejects.toThrow('source failed');
      await expect(read(key)).rejects.toThrow();
      await storage.remove(key);
      expect((await testStorage.keys()).filter((name) => name.includes(key))).toEqual([]);
    },
  );

  test('rejects a source that has already failed', async () => {
    const source = Readable.from([Buffer.from('x')]);
    source.on('error', () => {}).destroy(new Error('source failed'));
    await expect(storage.write(newKey(), source)).rejects.toThrow('source failed');
  });
});
