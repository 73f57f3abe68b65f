import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Storage } from '#src/files/storage/storage.js';
import { FileServer, type Link, MAX_FILE_SIZE } from '../support/file-server.js';
import { form, type Part, type RawForm } from '../support/forms.js';
import { expectSuccess } from '../support/parley.js';
import { PNG } from '../support/pictures.js';
import { STORAGE_KINDS } from '../support/storages.js';
import { until } from '../support/until.js';

const MISSING = "form field 'file' must be present";
const BROKEN = 'multipart form is not valid';
const NO_FORM = "header 'Content-Type' must be 'multipart/form-data'";
const MEBIBYTE = 1_048_576;

const error = (reason: string) => ({ status: 'error', reason });
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
    expect(await files.uploadsUnderWay(link)).toEqual([]);
    expect((await files.message(link)).file.used).toBe(false);
    expectSuccess(await files.upload(link, form({ content: PNG })));
  }

  test.each<[string, string, RawForm]>([
    ['no part', MISSING, form()],
    ['no body', MISSING, asForm('')],
    ['a part of another name', MISSING, form({ ...file, name: 'File' })],
    ['a part without a name', MISSING, form({ ...file, disposition: 'form-data; filename="a"' })],
    ['a part that is no form-data', MISSING, form({ ...file, disposition: 'attachment; name="file"' })],
    ['a plain field', "form field 'file' must be a file", form({ ...file, filename: null })],
    ['a field before the part', "form field 'file' must be a file", form({ ...file, filename: null }, file)],
    ['two parts', "form field 'file' must be present once", form(file, { content: 'y' })],
    ['a part named __proto__', BROKEN, form({ ...file, name: '__proto__' })],
    ['a field named __proto__', BROKEN, form({ ...file, name: '__proto__', filename: null }, file)],
    ['a part named constructor as well', BROKEN, form(file, { ...file, name: 'constructor' })],
    [
      'more parts than anybody needs',
      BROKEN,
      form(...Array.from({ length: 101 }, () => ({ ...file, name: 'x' })), file),
    ],
    [
      'another boundary',
      BROKEN,
      { ...form(file), headers: { 'content-type': 'multipart/form-data; boundary=x' } },
    ],
    [
      'a boundary that is too long',
      BROKEN,
      { ...form(file), headers: { 'content-type': `multipart/form-data; boundary=${'x'.repeat(300)}` } },
    ],
    ['no boundary', BROKEN, { ...form(file), headers: { 'content-type': 'multipart/form-data' } }],
    [
      'an empty boundary',
      MISSING,
      { ...form(file), headers: { 'content-type': 'multipart/form-data; boundary=' } },
    ],
    ['no form at all', BROKEN, asForm('{"file":"x"}')],
    ['NUL bytes', BROKEN, asForm('\0'.repeat(1000))],
    ['a JSON body', NO_FORM, asForm('{}', { 'content-type': 'application/json' })],
    ['a bare body', NO_FORM, asForm('x', { 'content-type': 'application/octet-stream' })],
    [
      'another kind of form',
      NO_FORM,
      { ...form(file), headers: { 'content-type': 'multipart/mixed; boundary=x' } },
    ],
    ['a urlencoded form', NO_FORM, asForm('file=x', { 'content-type': 'application/x-www-form-urlencoded' })],
    ['neither type nor body', MISSING, { raw: Buffer.alloc(0), headers: {} }],
  ])('%s: %s', async (_, reason, body) => {
    const link = await files.sendFile();
    expect(await files.upload(link, body)).toMatchObject({ status: 400, body: error(reason) });
    await expectUnused(link);
  });

  test('fields and parts of other names are ignored, however large', async () => {
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

  test('a form that ends too soon, wherever, is refused', async () => {
    const link = await files.sendFile();
    const { raw, headers } = form({ content: 'some content', type: 'text/plain' });
    // Without the line break behind the last boundary it is whole.
    const ends = Array.from({ length: raw.length - 3 }, (_, index) => index + 1);
    const answers = await Promise.all(
      ends.map((end) => files.upload(link, { raw: raw.subarray(0, end), headers })),
    );
    expect(answers.filter(({ status }) => status !== 400)).toEqual([]);
    await expectUnused(link);
  });

  test.each<[string, string, Partial<Part>]>([
    ['its name', 'cat.png', { filename: 'cat.png' }],
    ['the end of a path', 'passwd', { filename: '../../etc/passwd' }],
    ['the end of a path of Windows', 'a.png', { filename: 'C:\\\\pictures\\\\a.png' }],
    ['its name in Unicode', '写真 😀.png', { filename: '写真 😀.png' }],
    ['no NUL', 'ab.png', { filename: 'a\0b.png' }],
    ['no control characters', 'a[31mb.png', { filename: 'a\x1b[31m\x7fb.png' }],
    ['255 emoji', '😀'.repeat(255), { filename: '😀'.repeat(255) }],
    ['255 of 300 emoji', '😀'.repeat(255), { filename: '😀'.repeat(300) }],
    [
      'the exact one of two names',
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
    ['a name of its type for an empty one', 'image.png', { filename: '' }],
    ['a name of its type for dots', 'image.png', { filename: '..' }],
    ['a name of its type for none', 'image.png', { filename: null, type: 'application/octet-stream' }],
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
    ['a strange type', { type: 'image/png\x00; charset=\xff' }],
    ['a type of 300 characters', { type: `image/${'x'.repeat(300)}` }],
  ])('%s never hurts', async (_, part) => {
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

    /** The statuses of the answers, once there are `count` of them. */
    function statuses(socket: Socket, count: number): Promise<number[]> {
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
      ['behind the file', 5 * MEBIBYTE + 170],
    ])('that goes away %s leaves nothing behind', async (_, sent) => {
      const links = [await files.sendFile(), await files.sendFile(), await files.sendFile()];
      const body = form({ content: Buffer.alloc(5 * MEBIBYTE) });
      for (const [index, link] of links.entries()) {
        const socket = await files.connect();
        socket.write(files.uploadHead(link, body, body.raw.length + 100));
        socket.write(body.raw.subarray(0, sent));
        // At once, when the server has begun, and when it waits for more.
        if (index > 0) {
          await until('the upload to begin', async () =>
            (await files.uploadsUnderWay(link)).length > 0 ? true : undefined,
          );
        }
        if (index > 1) await until('all to be sent', () => (socket.writableLength === 0 ? true : undefined));
        socket.destroy();
      }
      for (const link of links) {
        await until('nothing to be left', async () => {
          const left = [...(await files.stored(link)), ...(await files.uploadsUnderWay(link))];
          return left.length === 0 ? true : undefined;
        });
        await expectUnused(link);
      }
    });

    test('that goes away while its upload is being prepared leaves nothing behind', async () => {
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
      // Behind them in the queue of transactions.
      await files.sendBytes('x');
      await until('all uploads to end', async () =>
        (await files.uploadsUnderWay({ uuid: '' })).length === 0 ? true : undefined,
      );
    });

    test('keeps its connection after a refusal in the middle of a form', async () => {
      const link = await files.sendFile();
      const refused = form({ content: 'x', filename: null }, { content: Buffer.alloc(3 * MEBIBYTE) });
      const accepted = form({ content: 'x' });
      const socket = await files.connect();
      for (const body of [refused, refused, accepted]) {
        socket.write(files.uploadHead(link, body, body.raw.length));
        socket.write(body.raw);
      }
      expect(await statuses(socket, 3)).toEqual([400, 400, 200]);
      expect(isOpen(socket)).toBe(true);
      socket.destroy();
    });

    test('reads its answer before it has sent all of a form that is refused', async () => {
      const link = await files.sendFile();
      const socket = await files.connect();
      const body = form({ content: 'x', filename: null });
      socket.write(files.uploadHead(link, body, 50 * MEBIBYTE));
      socket.write(body.raw);
      expect(await statuses(socket, 1)).toEqual([400]);
      socket.destroy();
      await expectUnused(link);
    });

    test('reads 413 as soon as it has sent too much, whatever it still has to send', async () => {
      const link = await files.sendFile();
      const socket = await files.connect();
      const body = form({ content: Buffer.alloc(MAX_FILE_SIZE + MEBIBYTE) });
      socket.write(files.uploadHead(link, body, 50 * MEBIBYTE));
      socket.write(body.raw.subarray(0, -64));
      expect(await statuses(socket, 1)).toEqual([413]);
      socket.destroy();
      await expectUnused(link);
    });

    test('that goes away, up or down, costs no file descriptor', async () => {
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
