import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { chunks } from '#src/database/unit-of-work.js';
import { Storage } from '#src/files/storage/storage.js';
import { FileServer, type Link, MAX_FILE_SIZE } from '../support/file-server.js';
import { form, type Part, type RawForm } from '../support/forms.js';
import { expectSuccess } from '../support/parley.js';
import { PNG } from '../support/pictures.js';
import { STORAGE_KINDS } from '../support/storages.js';
import { until } from '../support/until.js';

const MISSING_PART = "form field 'file' must be present";
const MALFORMED = 'multipart form is not valid';
const WRONG_TYPE = "header 'Content-Type' must be 'multipart/form-data'";
const MEBIBYTE = 1_048_576;

const error = (reason: string) => expect.objectContaining({ status: 'error', reason }) as unknown;
const file: Part = { content: 'x' };
const { headers: FORM } = form();
const asForm = (raw: string, headers = FORM): RawForm => ({ raw: Buffer.from(raw), headers });

describe.each(STORAGE_KINDS)('upload forms on %s:', (kind) => {
  let files: FileServer;

  beforeAll(async () => {
    files = await FileServer.start(kind);
  });

  afterAll(() => files.close());

  async function expectUnused(link: Link): Promise<void> {
    expect(await files.stored(link)).toEqual([]);
    expect(await files.unfinishedUploads(link)).toEqual([]);
    expect((await files.message(link)).file.used).toBe(false);
    expectSuccess(await files.upload(link, form({ content: PNG })));
  }

  test.each<[string, string, RawForm]>([
    ['no part', MISSING_PART, form()],
    ['no body', MISSING_PART, asForm('')],
    ['a part of another name', MISSING_PART, form({ ...file, name: 'File' })],
    ['a part without a name', MISSING_PART, form({ ...file, disposition: 'form-data; filename="a"' })],
    [
      'a part with another disposition',
      MISSING_PART,
      form({ ...file, disposition: 'attachment; name="file"' }),
    ],
    ['a plain field', "form field 'file' must be a file", form({ ...file, filename: null })],
    ['a field before the part', "form field 'file' must be a file", form({ ...file, filename: null }, file)],
    ['two parts', "form field 'file' must be present once", form(file, { content: 'y' })],
    ['a part named __proto__', MALFORMED, form({ ...file, name: '__proto__' })],
    ['a field named __proto__', MALFORMED, form({ ...file, name: '__proto__', filename: null }, file)],
    ['an additional part named constructor', MALFORMED, form(file, { ...file, name: 'constructor' })],
    [
      'more than 100 parts',
      MALFORMED,
      form(...Array.from({ length: 101 }, () => ({ ...file, name: 'x' })), file),
    ],
    [
      'another boundary',
      MALFORMED,
      { ...form(file), headers: { 'content-type': 'multipart/form-data; boundary=x' } },
    ],
    [
      'a boundary that is too long',
      MALFORMED,
      { ...form(file), headers: { 'content-type': `multipart/form-data; boundary=${'x'.repeat(300)}` } },
    ],
    ['no boundary', MALFORMED, { ...form(file), headers: { 'content-type': 'multipart/form-data' } }],
    [
      'an empty boundary',
      MISSING_PART,
      { ...form(file), headers: { 'content-type': 'multipart/form-data; boundary=' } },
    ],
    ['JSON in place of a form', MALFORMED, asForm('{"file":"x"}')],
    ['NUL bytes', MALFORMED, asForm('\0'.repeat(1000))],
    ['a JSON body', WRONG_TYPE, asForm('{}', { 'content-type': 'application/json' })],
    ['a body of bytes', WRONG_TYPE, asForm('x', { 'content-type': 'application/octet-stream' })],
    [
      'another kind of form',
      WRONG_TYPE,
      { ...form(file), headers: { 'content-type': 'multipart/mixed; boundary=x' } },
    ],
    [
      'a urlencoded form',
      WRONG_TYPE,
      asForm('file=x', { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    ['neither Content-Type nor body', MISSING_PART, { raw: Buffer.alloc(0), headers: {} }],
  ])('%s: %s', async (_, reason, body) => {
    const link = await files.sendFile();
    expect(await files.upload(link, body)).toMatchObject({ status: 400, body: error(reason) });
    await expectUnused(link);
  });

  test('fields and parts with other names are ignored at any size', async () => {
    const link = await files.sendFile();
    const large = 'x'.repeat(MAX_FILE_SIZE + 1);
    const body = form(
      { content: '{"a":1}', name: 'meta', filename: null, type: 'application/json' },
      { content: large, name: 'text', filename: null },
      { content: large, name: 'other' },
      { content: 'the file' },
      { content: 'late', name: 'late', filename: null },
    );
    expectSuccess(await files.upload(link, body));
    expect((await files.download(link)).bytes.toString()).toBe('the file');
  });

  test('a form that is truncated at any byte is rejected', async () => {
    const link = await files.sendFile();
    const { raw, headers } = form({ content: 'some content', type: 'text/plain' });
    // The line break after the last boundary is optional.
    const ends = Array.from({ length: raw.length - 3 }, (_, index) => index + 1);
    // A user may have 64 uploads under way.
    for (const some of chunks(ends, 50)) {
      const answers = await Promise.all(
        some.map((end) => files.upload(link, { raw: raw.subarray(0, end), headers })),
      );
      expect(answers.filter(({ status }) => status !== 400)).toEqual([]);
    }
    await expectUnused(link);
  });

  test.each<[string, string, Partial<Part>]>([
    ['the given name', 'cat.png', { filename: 'cat.png' }],
    ['the last segment of a path', 'passwd', { filename: '../../etc/passwd' }],
    ['the last segment of a Windows path', 'a.png', { filename: 'C:\\\\pictures\\\\a.png' }],
    ['a Unicode name', '写真 😀.png', { filename: '写真 😀.png' }],
    ['a name without NUL', 'ab.png', { filename: 'a\0b.png' }],
    ['a name without control characters', 'a[31mb.png', { filename: 'a\x1b[31m\x7fb.png' }],
    ['a name of 255 emoji', '😀'.repeat(255), { filename: '😀'.repeat(255) }],
    ['the first 255 of 300 emoji', '😀'.repeat(255), { filename: '😀'.repeat(300) }],
    [
      'a percent-encoded name',
      'é😀.png',
      {
        disposition: 'form-data; name="file"; filename*=UTF-8\'\'%C3%A9%F0%9F%98%80.png',
      },
    ],
    [
      'a name in Latin-1',
      'é.png',
      {
        disposition: 'form-data; name="file"; filename*=ISO-8859-1\'\'%E9.png',
      },
    ],
    ['a default name in place of an empty one', 'image.png', { filename: '' }],
    ['a default name in place of dots', 'image.png', { filename: '..' }],
    ['a default name in place of none', 'image.png', { filename: null, type: 'application/octet-stream' }],
  ])('an image gets %s', async (_, expected, part) => {
    const link = await files.sendImage();
    expectSuccess(await files.upload(link, form({ content: PNG, ...part })));
    expect((await files.message(link)).file.filename).toBe(expected);
    expect((await files.download(link)).bytes).toEqual(PNG);
  });

  test.each<[string, Partial<Part>]>([
    ['a line break in the name', { filename: 'a\r\nX-Injected: 1.png' }],
    ['a bare line feed in the name', { filename: 'a\nb.png' }],
    [
      'broken escapes in the name',
      { disposition: 'form-data; name="file"; filename*=UTF-8\'\'%E0%A4%A.png' },
    ],
    ['bytes that are not UTF-8', { disposition: 'form-data; name="file"; filename*=UTF-8\'\'%FF%FE.png' }],
    ['an unknown charset', { disposition: 'form-data; name="file"; filename*=x-none\'\'a.png' }],
    ['an open quote', { disposition: 'form-data; name="file"; filename="a.png' }],
    ['a malformed type', { type: 'image/png\x00; charset=\xff' }],
    ['a type of 300 characters', { type: `image/${'x'.repeat(300)}` }],
  ])('%s is accepted or answered with 400', async (_, part) => {
    const link = await files.sendImage();
    const { status } = await files.upload(link, form({ content: PNG, ...part }));
    expect([200, 400]).toContain(status);
    const stored = await files.message(link);
    expect(stored.file.used).toBe(status === 200);
    expect(stored.file.filename).not.toMatch(/[\p{Cc}/\\]/u);
    if (status === 200) expect((await files.download(link)).status).toBe(200);
  });

  describe('a client', () => {
    const isOpen = (socket: Socket) => !socket.closed;

    function readStatuses(socket: Socket, count: number): Promise<number[]> {
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      return until(`${count} answers`, () => {
        const found = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
        return found.length >= count ? found : undefined;
      });
    }

    test.each([
      ['before the first byte', 0],
      ['in the middle of the head of the part', 60],
      ['in the middle of the file', 2 * MEBIBYTE],
      ['after the file', 5 * MEBIBYTE + 170],
    ])('that disconnects %s leaves nothing behind', async (_, sent) => {
      const links = [await files.sendFile(), await files.sendFile(), await files.sendFile()];
      const body = form({ content: Buffer.alloc(5 * MEBIBYTE) });
      for (const [index, link] of links.entries()) {
        const socket = await files.connect();
        socket.write(files.uploadHead(link, body, body.raw.length + 100));
        socket.write(body.raw.subarray(0, sent));
        // Disconnect at once, after the upload has begun, and after all bytes are sent.
        if (index > 0) {
          await until('the upload to begin', async () =>
            (await files.unfinishedUploads(link)).length > 0 ? true : undefined,
          );
        }
        if (index > 1) await until('all to be sent', () => (socket.writableLength === 0 ? true : undefined));
        socket.destroy();
      }
      for (const link of links) {
        await until('nothing to be left', async () => {
          const left = [...(await files.stored(link)), ...(await files.unfinishedUploads(link))];
          return left.length === 0 ? true : undefined;
        });
        await expectUnused(link);
      }
    });

    test('that disconnects while its upload starts leaves nothing behind', async () => {
      const body = form({ content: 'x' });
      const links = await Promise.all(Array.from({ length: 30 }, () => files.sendFile()));
      await Promise.all(
        links.map(async (link) => {
          const socket = await files.connect();
          const head = files.uploadHead(link, body, body.raw.length);
          await new Promise((sent) => socket.write(head + body.raw.toString().slice(0, -1), sent));
          socket.destroy();
        }),
      );
      // Waits for the transactions that start the uploads.
      await files.sendBytes('x');
      await until('all uploads to finish', async () =>
        (await files.unfinishedUploads({ uuid: '' })).length === 0 ? true : undefined,
      );
    });

    test('keeps its connection after an error in the middle of a form', async () => {
      const link = await files.sendFile();
      const rejected = form({ content: 'x', filename: null }, { content: Buffer.alloc(3 * MEBIBYTE) });
      const accepted = form({ content: 'x' });
      const socket = await files.connect();
      for (const body of [rejected, rejected, accepted]) {
        socket.write(files.uploadHead(link, body, body.raw.length));
        socket.write(body.raw);
      }
      expect(await readStatuses(socket, 3)).toEqual([400, 400, 200]);
      expect(isOpen(socket)).toBe(true);
      socket.destroy();
    });

    test('reads an error before it has sent the whole form', async () => {
      const link = await files.sendFile();
      const socket = await files.connect();
      const body = form({ content: 'x', filename: null });
      socket.write(files.uploadHead(link, body, 50 * MEBIBYTE));
      socket.write(body.raw);
      expect(await readStatuses(socket, 1)).toEqual([400]);
      socket.destroy();
      await expectUnused(link);
    });

    test('reads 413 as soon as it has sent more than the limit', async () => {
      const link = await files.sendFile();
      const socket = await files.connect();
      const body = form({ content: Buffer.alloc(MAX_FILE_SIZE + MEBIBYTE) });
      socket.write(files.uploadHead(link, body, 50 * MEBIBYTE));
      socket.write(body.raw.subarray(0, -64));
      expect(await readStatuses(socket, 1)).toEqual([413]);
      socket.destroy();
      await expectUnused(link);
    });

    test('that disconnects during an upload or a download leaks no file descriptor', async () => {
      const link = await files.sendBytes(Buffer.alloc(MAX_FILE_SIZE));
      const open = () => readdirSync('/proc/self/fd').length;
      const body = form({ content: Buffer.alloc(MEBIBYTE) });
      const before = open();
      for (let round = 0; round < 20; round += 1) {
        const upload = await files.connect();
        upload.write(files.uploadHead(await files.sendFile(), body, body.raw.length + 1));
        upload.write(body.raw);
        const download = await files.connect();
        download.write(files.downloadHead(link));
        await once(download, 'data');
        upload.destroy();
        download.destroy();
      }
      await until('all descriptors to be closed', () => (open() <= before + 5 ? true : undefined));
    });

    test('that disconnects closes the file of each pipelined download', async () => {
      const link = await files.sendBytes(Buffer.alloc(MAX_FILE_SIZE));
      const read = vi.spyOn(files.server.app.get(Storage, { strict: false }), 'read');
      const opened = () => read.mock.settledResults.filter(({ type }) => type === 'fulfilled');
      const socket = await files.connect();
      socket.pause();
      socket.write(files.downloadHead(link).repeat(3));
      await until('all files to be open', () => (opened().length === 3 ? true : undefined));
      socket.destroy();
      await until('all files to be closed', () =>
        opened().every(({ value }) => value.closed) ? true : undefined,
      );
      read.mockRestore();
    });
  });
});
