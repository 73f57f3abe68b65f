import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import { type Download, FileServer, type Link, MAX_FILE_SIZE } from '../support/file-server.js';
import { browserForm, form } from '../support/forms.js';
import { expectSuccess, type Json } from '../support/parley.js';
import { PICTURES, PNG, PNG_WITH_LONG_PROFILE } from '../support/pictures.js';
import { startServer } from '../support/server.js';
import { STORAGE_KINDS } from '../support/storages.js';
import { until } from '../support/until.js';

const NOWHERE = '00000000-0000-4000-8000-000000000000';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const error = (reason: string) => expect.objectContaining({ status: 'error', reason }) as unknown;

describe.each(STORAGE_KINDS)('files on %s:', (kind) => {
  let files: FileServer;

  beforeAll(async () => {
    files = await FileServer.start(kind);
  });

  afterAll(() => files.close());

  describe('sending', () => {
    test('an image answers its upload URL and has no name until the upload', async () => {
      const link = await files.send({ type: 'image', message: 'my cat 😀' });
      const { uuid, index, timestamp } = link;
      expect(link).toEqual({
        url: `http://parley.test/api/files/${uuid}`,
        uuid: expect.stringMatching(UUID),
        index: expect.any(Number),
        timestamp: expect.any(Number),
      });
      expect(await files.message(link)).toEqual({
        index,
        type: 'image',
        sender: files.alex.user,
        message: 'my cat 😀',
        file: { filename: '', uuid, used: false },
        timestamp,
        edited: null,
      });

      expectSuccess(
        await files.upload(link, form({ content: PNG, filename: 'cat.png', type: 'text/plain' })),
      );
      const file = { filename: 'cat.png', uuid, used: true, size: PNG.length, contentType: 'image/png' };
      expect((await files.message(link)).file).toEqual(file);
    });

    test('a file keeps the name of its message and ignores a caption', async () => {
      const link = await files.send({ type: 'file', filename: '../é 😀.txt', message: 5 });
      expect(await files.message(link)).toMatchObject({
        type: 'file',
        message: '',
        file: { filename: '../é 😀.txt', uuid: link.uuid, used: false },
      });
      expectSuccess(
        await files.upload(
          link,
          form({ content: 'hi', filename: 'other.txt', type: 'text/x-Notes; charset=a' }),
        ),
      );
      expect((await files.message(link)).file).toEqual({
        filename: '../é 😀.txt',
        uuid: link.uuid,
        used: true,
        size: 2,
        contentType: 'text/x-notes',
      });
    });

    test('pages and chats contain files', async () => {
      const { uuid } = await files.sendBytes('shown');
      const file = { filename: 'notes.txt', uuid, used: true, size: 5, contentType: 'text/plain' };
      const { messages } = await files.sam.list(files.chat, '?order=desc&per_page=1');
      expect(messages).toMatchObject([{ type: 'file', message: '', file }]);
      expect((await files.sam.describeChat(files.chat)).messages).toMatchObject([{ file }]);
      const chats = expectSuccess(await files.sam.get('/api/chats')).data;
      expect(chats[0].messages).toMatchObject([{ file }]);
    });

    test.each<[string, Json]>([
      ["field 'filename' must be present", {}],
      ["field 'filename' must be a string", { filename: 5 }],
      ["field 'filename' must be a string", { filename: null }],
      ["field 'filename' must have 1 to 255 characters", { filename: '' }],
      ["field 'filename' must have 1 to 255 characters", { filename: '😀'.repeat(256) }],
      ["field 'filename' must be Unicode text without NUL", { filename: 'a\0b' }],
      ["field 'filename' must be Unicode text without NUL", { filename: '\ud83d' }],
    ])('a file: %s (%j)', async (reason, fields) => {
      const answer = await files.alex.post(`/api/chats/${files.chat}/messages`, { type: 'file', ...fields });
      expect(answer).toMatchObject({ status: 400, body: error(reason) });
    });

    test('a filename may have 255 emoji', async () => {
      const filename = '😀'.repeat(255);
      const link = await files.send({ type: 'file', filename });
      expect((await files.message(link)).file.filename).toBe(filename);
    });

    test.each<[string, Json]>([
      ['must be a string', 5],
      ['must be a string', null],
      ['must have 0 to 16383 characters', 'x'.repeat(16_384)],
      ['must be Unicode text without NUL', '\0'],
    ])('a caption %s', async (complaint, message) => {
      const answer = await files.alex.post(`/api/chats/${files.chat}/messages`, { type: 'image', message });
      expect(answer).toMatchObject({ status: 400, body: error(`field 'message' ${complaint}`) });
    });

    test('a caption may be edited to nothing, a text may not', async () => {
      const edit = (index: number, message: string) =>
        files.alex.put(`/api/chats/${files.chat}/messages/${index}`, { message });
      const link = await files.send({ type: 'image', message: 'cat' });
      expectSuccess(await edit(link.index, ''));
      expect(await files.message(link)).toMatchObject({ message: '', edited: expect.any(Number) });
      expect((await edit(await files.alex.send(files.chat, 'text'), '')).status).toBe(400);
    });
  });

  describe('uploading', () => {
    test('accepts the form that browsers send', async () => {
      const link = await files.sendImage();
      const body = await browserForm(new Blob([PNG.toString('latin1'), PNG]), 'x.png');
      expect((await files.upload(link, body)).body).toEqual(error('uploaded file must be an image'));
      expectSuccess(
        await files.upload(link, await browserForm(new Blob([Uint8Array.from(PNG)]), '写真 "1".png')),
      );
      expect((await files.message(link)).file.filename).toMatch(/^写真 .*1.*\.png$/);
      expect((await files.download(link)).bytes).toEqual(PNG);
    });

    test('succeeds once', async () => {
      const link = await files.sendBytes('first');
      const again = await files.upload(link, form({ content: 'second' }));
      expect(again).toMatchObject({ status: 400, body: error('upload link has already been used') });
      expect((await files.download(link)).bytes.toString()).toBe('first');
      expect(await files.stored(link)).toHaveLength(1);
    });

    test.each([10, 50])('succeeds for exactly one of %i concurrent uploads to a link', async (count) => {
      const link = await files.sendFile();
      const contents = Array.from({ length: count }, (_, index) => `upload ${index} `.repeat(1000));
      const answers = await Promise.all(contents.map((content) => files.upload(link, form({ content }))));

      const winners = contents.filter((_, index) => answers[index].status === 200);
      expect(winners).toHaveLength(1);
      const losers = answers.filter(({ status }) => status !== 200);
      expect(losers.map(({ status, body }) => ({ status, body }))).toEqual(
        losers.map(() => ({ status: 400, body: error('upload link has already been used') })),
      );
      expect((await files.download(link)).bytes.toString()).toBe(winners[0]);
      expect(await files.stored(link)).toHaveLength(1);
      expect(await files.unfinishedUploads(link)).toEqual([]);
    });

    test('is allowed only to the sender, and only while a member', async () => {
      const { chat, alex, sam, eve } = files;
      const link = await files.sendFile(sam);
      const body = form({ content: 'x' });
      const refusals = [
        {
          answer: await files.upload(link, body, alex),
          reason: 'not allowed to upload files of other users',
        },
        { answer: await files.upload(link, body, eve), reason: 'user is not part of specified chat' },
      ];
      expectSuccess(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'sam' }));
      refusals.push({
        answer: await files.upload(link, body, sam),
        reason: 'user is not part of specified chat',
      });
      for (const { answer, reason } of refusals)
        expect(answer).toMatchObject({ status: 403, body: error(reason) });

      expectSuccess(await alex.put(`/api/chats/${chat}`, { mode: 'add', user: 'sam' }));
      expectSuccess(await files.upload(link, body, sam));
    });

    test('checks in the order of the contract', async () => {
      const { alex, eve } = files;
      const body = { raw: 'no form', headers: { 'content-type': 'text/plain' } };
      const upload = (uuid: string, token?: string) =>
        files.server.parley.request('POST', `/api/files/${uuid}`, { token, ...body });
      const used = await files.sendBytes('x');
      const open = await files.sendFile();
      const answers = [
        [await upload('nonsense'), 401, "header 'Authorization' must be present"],
        [await upload('nonsense', 'bad'), 401, 'invalid token: malformed'],
        [await upload('nonsense', alex.token), 400, "path parameter 'file' must be a uuid"],
        [await upload(NOWHERE, alex.token), 400, 'specified file does not exist'],
        [await upload(used.uuid, eve.token), 403, 'user is not part of specified chat'],
        [await upload(used.uuid, alex.token), 400, 'upload link has already been used'],
        [await upload(open.uuid, alex.token), 400, "header 'Content-Type' must be 'multipart/form-data'"],
      ] as const;
      for (const [answer, status, reason] of answers)
        expect(answer).toMatchObject({ status, body: error(reason) });
    });

    test.each(Object.entries(PICTURES))('recognises %s whatever its name and type', async (type, content) => {
      const link = await files.sendImage();
      expectSuccess(await files.upload(link, form({ content, filename: 'a.html', type: 'text/html' })));
      expect((await files.message(link)).file).toMatchObject({ filename: 'a.html', contentType: type });
    });

    test('recognises an image with a long colour profile', async () => {
      const link = await files.sendImage();
      expectSuccess(await files.upload(link, form({ content: PNG_WITH_LONG_PROFILE })));
    });

    test.each([
      ['text', 'hello'],
      ['nothing', ''],
      ['SVG', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
      ['HTML', '<!doctype html><img src="data:image/png;base64,iVBORw0KGgo=">'],
      ['PDF', '%PDF-1.7\n'],
      ['a truncated PNG', PNG.subarray(0, 4)],
      ['a movie', Buffer.from('\x00\x00\x00\x1cftypisom\x00\x00\x00\x00mp41isom', 'latin1')],
    ])('rejects %s as an image and leaves the link open', async (_, content) => {
      const link = await files.sendImage();
      const answer = await files.upload(link, form({ content, filename: 'cat.png', type: 'image/png' }));
      expect(answer).toMatchObject({ status: 400, body: error('uploaded file must be an image') });
      expect(await files.stored(link)).toEqual([]);
      expect((await files.message(link)).file).toEqual({ filename: '', uuid: link.uuid, used: false });
      expectSuccess(await files.upload(link, form({ content: PNG })));
    });

    test('accepts a file of MAX_FILE_SIZE bytes and rejects one more byte', async () => {
      const link = await files.sendFile();
      const content = randomBytes(MAX_FILE_SIZE + 1);
      expect(await files.upload(link, form({ content }))).toMatchObject({
        status: 413,
        body: error(`uploaded file must have at most ${MAX_FILE_SIZE} bytes`),
      });
      expect(await files.stored(link)).toEqual([]);
      expect(await files.unfinishedUploads(link)).toEqual([]);
      expect((await files.message(link)).file.used).toBe(false);

      const whole = content.subarray(1);
      expectSuccess(await files.upload(link, form({ content: whole })));
      expect((await files.message(link)).file.size).toBe(MAX_FILE_SIZE);
      expect((await files.download(link)).bytes.equals(whole)).toBe(true);
    });

    test('accepts an empty file', async () => {
      const link = await files.sendBytes('');
      expect((await files.message(link)).file).toMatchObject({ used: true, size: 0 });
      const { status, headers, bytes } = await files.download(link);
      expect([status, headers.get('content-length'), bytes.length]).toEqual([200, '0', 0]);
      const range = await files.download(link, { range: 'bytes=0-0' });
      expect([range.status, range.headers.get('content-range')]).toEqual([416, 'bytes */0']);
    });
  });

  describe('downloading', () => {
    const CONTENT = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index)).join('');
    const ETAG = `"${createHash('sha256').update(CONTENT).digest('hex')}"`;
    let link: Link;

    beforeAll(async () => {
      link = await files.sendBytes(CONTENT, 'alphabet.txt', 'text/html');
    });

    const shown = ({ status, headers, bytes }: Download) => [
      status,
      headers.get('content-range'),
      bytes.toString(),
    ];

    test('sends any member the bytes as an attachment', async () => {
      const { status, headers, bytes } = await files.download(link);
      expect([status, bytes.toString()]).toEqual([200, CONTENT]);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-type': 'text/html',
        'content-length': '26',
        'content-disposition': 'attachment; filename="alphabet.txt"',
        etag: ETAG,
        'accept-ranges': 'bytes',
        'cache-control': 'private',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
      });
    });

    test('HEAD answers the same headers and no body', async () => {
      const { status, headers, bytes } = await files.download(link, {}, { method: 'HEAD' });
      expect([status, headers.get('content-length'), bytes.length]).toEqual([200, '26', 0]);
      expect(headers.get('etag')).toBe(ETAG);
    });

    test.each(['bytes=0-4', 'bytes=99-'])('HEAD ignores the range %s', async (range) => {
      const { status, headers } = await files.download(link, { range }, { method: 'HEAD' });
      expect([status, headers.get('content-length'), headers.get('content-range')]).toEqual([
        200,
        '26',
        null,
      ]);
    });

    test.each([
      ['plain.txt', 'attachment; filename="plain.txt"'],
      [
        'résumé 😀.txt',
        'attachment; filename="r_sum_ __.txt"; filename*=UTF-8\'\'r%C3%A9sum%C3%A9%20%F0%9F%98%80.txt',
      ],
      ['a "quoted" name', 'attachment; filename="a \\"quoted\\" name"'],
      ['50%41.txt', 'attachment; filename="50%41.txt"; filename*=UTF-8\'\'50%2541.txt'],
      [
        'evil\r\nSet-Cookie: a=b',
        'attachment; filename="evil__Set-Cookie: a=b"; filename*=UTF-8\'\'evil%0D%0ASet-Cookie%3A%20a%3Db',
      ],
      ['../../etc/passwd', 'attachment; filename=".._.._etc_passwd"'],
      ['C:\\dir\\', 'attachment; filename="C:_dir_"'],
      ['/', 'attachment; filename="_"'],
    ])('encodes the filename %j as in RFC 6266', async (filename, expected) => {
      const { headers } = await files.download(await files.sendBytes('x', filename));
      expect(headers.get('content-disposition')).toBe(expected);
    });

    test.each([
      ['exact', ETAG],
      ['weak', `W/${ETAG}`],
      ['in a list', `"other", ${ETAG} ,W/"x"`],
      ['*', '*'],
    ])('answers 304 to an If-None-Match that is %s', async (_, value) => {
      const { status, headers, bytes } = await files.download(link, { 'if-none-match': value });
      expect([status, headers.get('etag'), bytes.length]).toEqual([304, ETAG, 0]);
    });

    test.each(['no-cache', 'max-age=0', 'no-cache, no-store'])(
      'answers 304 to a matching If-None-Match with Cache-Control: %s',
      async (cacheControl) => {
        const headers = { 'if-none-match': ETAG, 'cache-control': cacheControl };
        expect((await files.download(link, headers)).status).toBe(304);
      },
    );

    test('answers 304 before it looks at the range', async () => {
      const headers = { 'if-none-match': ETAG, range: 'bytes=100-200' };
      expect((await files.download(link, headers)).status).toBe(304);
    });

    test('ignores If-Modified-Since, because files have no Last-Modified', async () => {
      const headers = { 'if-modified-since': 'Wed, 21 Oct 2099 07:28:00 GMT' };
      expect((await files.download(link, headers)).status).toBe(200);
    });

    test('answers 200 to an If-None-Match of other bytes', async () => {
      expect((await files.download(link, { 'if-none-match': '"other"' })).status).toBe(200);
    });

    test.each([
      ['bytes=0-9', '0-9', 'abcdefghij'],
      ['bytes=25-25', '25-25', 'z'],
      ['bytes=1-1', '1-1', 'b'],
      ['bytes=20-', '20-25', 'uvwxyz'],
      ['BYTES=20-', '20-25', 'uvwxyz'],
      ['bytes=20-999', '20-25', 'uvwxyz'],
      ['bytes=-3', '23-25', 'xyz'],
      ['bytes=-100', '0-25', CONTENT],
    ])('answers 206 to %s', async (range, part, expected) => {
      const download = await files.download(link, { range });
      expect(shown(download)).toEqual([206, `bytes ${part}/26`, expected]);
      expect(download.headers.get('content-length')).toBe(String(expected.length));
      expect(download.headers.get('etag')).toBe(ETAG);
    });

    test.each(['bytes=26-', 'bytes=100-200', 'bytes=-0'])('answers 416 to %s', async (range) => {
      const { status, headers, bytes } = await files.download(link, { range });
      expect([status, headers.get('content-range')]).toEqual([416, 'bytes */26']);
      expect(JSON.parse(bytes.toString())).toEqual(error('file has no such range of bytes'));
    });

    test.each([
      'bytes=0-1,3-4',
      'bytes=0-1,100-200',
      'bytes=a-b',
      'bytes=5-2',
      'bytes=-',
      'bytes=',
      'bytes',
      'lines=0-1',
      'lines=100-200',
    ])('answers the whole file to %s', async (range) => {
      expect(shown(await files.download(link, { range }))).toEqual([200, null, CONTENT]);
    });

    test.each([
      [206, 'the ETag', ETAG],
      [200, 'another ETag', '"other"'],
      [200, 'the weak ETag', `W/${ETAG}`],
      [200, 'a date', 'Wed, 21 Oct 2099 07:28:00 GMT'],
    ])('answers %i to an If-Range with %s', async (status, _, value) => {
      const download = await files.download(link, { range: 'bytes=0-1', 'if-range': value });
      expect(download.status).toBe(status);
    });

    test('checks in the order of the contract', async () => {
      const { alex, eve } = files;
      const get = (file: string, token?: string) => files.server.parley.get(`/api/files/${file}`, { token });
      const open = await files.sendFile();
      const answers = [
        [await get(''), 401, "header 'Authorization' must be present"],
        [await get('nonsense'), 401, "header 'Authorization' must be present"],
        [await get('', alex.token), 400, "path parameter 'file' must be present"],
        [await get('nonsense', alex.token), 400, "path parameter 'file' must be a uuid"],
        [await get(NOWHERE, alex.token), 400, 'specified file does not exist'],
        [await get(open.uuid, eve.token), 403, 'user is not part of specified chat'],
        [await get(open.uuid, alex.token), 400, 'specified file has not been uploaded yet'],
        [await get(link.uuid, eve.token), 403, 'user is not part of specified chat'],
      ] as const;
      for (const [answer, status, reason] of answers)
        expect(answer).toMatchObject({ status, body: error(reason) });
      expect(await get(link.uuid.toUpperCase(), alex.token)).toMatchObject({ status: 200, body: CONTENT });
    });

    test('sends the right bytes to a slow client that pipelines requests', async () => {
      const bytes = randomBytes(MAX_FILE_SIZE);
      const { uuid } = await files.sendBytes(bytes);
      const get = (range: string, connection: string) =>
        [
          `GET /api/files/${uuid} HTTP/1.1`,
          'Host: parley.test',
          `Authorization: ${files.sam.token}`,
          `Range: bytes=${range}`,
          `Connection: ${connection}\r\n\r\n`,
        ].join('\r\n');
      const ranges: [number, number][] = [
        [0, MAX_FILE_SIZE],
        [1, 131_073],
        [70_001, MAX_FILE_SIZE - 5],
      ];
      const socket = await files.connect();
      for (const [index, [start, end]] of ranges.entries()) {
        socket.write(get(`${start}-${end - 1}`, index < 2 ? 'keep-alive' : 'close'));
      }
      const chunks: Buffer[] = [];
      for await (const chunk of socket) {
        chunks.push(chunk as Buffer);
        if (chunks.length % 10 === 0) await sleep(1);
      }
      let received = Buffer.concat(chunks);
      for (const [start, end] of ranges) {
        const body = received.indexOf('\r\n\r\n') + 4;
        const expected = bytes.subarray(start, end);
        expect(received.subarray(body, body + expected.length).equals(expected)).toBe(true);
        received = received.subarray(body + expected.length);
      }
      expect(received).toHaveLength(0);
    });

    test('is forbidden at once to a removed member', async () => {
      const path = `/api/chats/${files.chat}`;
      expectSuccess(await files.alex.put(path, { mode: 'delete', user: 'sam' }));
      expect((await files.download(link, { 'if-none-match': ETAG })).status).toBe(403);
      expectSuccess(await files.alex.put(path, { mode: 'add', user: 'sam' }));
      expect((await files.download(link)).status).toBe(200);
    });
  });

  describe.concurrent('the bytes are removed', () => {
    /** Creates a chat with a file that is uploaded and one that is not. */
    async function chatWithFiles(name: string) {
      const sender = await files.server.parley.signUp(`${name}-${kind}`);
      const chat = await sender.createChat([]);
      const used = await files.sendFile(sender, chat);
      expectSuccess(await files.upload(used, form({ content: name }), sender));
      const unused = await files.sendFile(sender, chat);
      return { sender, chat, used, unused };
    }

    async function expectGone(link: Link, reader = files.sam): Promise<void> {
      const { status, bytes } = await files.download(link, {}, { reader });
      expect([status, JSON.parse(bytes.toString())]).toEqual([400, error('specified file does not exist')]);
      await until(`the bytes and the row of ${link.uuid} to be removed`, async () => {
        const left = [...(await files.stored(link)), ...(await files.fileRows(link))];
        return left.length === 0 ? true : undefined;
      });
    }

    test('with the message', async () => {
      const { sender, chat, used, unused } = await chatWithFiles('deletes-message');
      for (const { index } of [used, unused])
        expectSuccess(await sender.delete(`/api/chats/${chat}/messages/${index}`));
      await expectGone(used, sender);
      await expectGone(unused, sender);
    });

    test('with the chat', async () => {
      const { sender, chat, used, unused } = await chatWithFiles('deletes-chat');
      expectSuccess(await sender.delete(`/api/chats/${chat}`));
      await expectGone(used, sender);
      await expectGone(unused, sender);
    });

    test('with the last member', async () => {
      const { sender, chat, used } = await chatWithFiles('leaves');
      expectSuccess(await sender.put(`/api/chats/${chat}`, { mode: 'delete', user: sender.username }));
      await expectGone(used, sender);
    });

    test('with the user, unlike the files of others', async () => {
      const { sender, chat, used } = await chatWithFiles('erased');
      expectSuccess(await sender.put(`/api/chats/${chat}`, { mode: 'add', user: 'sam' }));
      const others = await files.sendFile(files.sam, chat);
      expectSuccess(await files.upload(others, form({ content: 'of sam' }), files.sam));
      expectSuccess(await sender.delete(`/api/users/${sender.username}`));
      await expectGone(used);
      expect((await files.download(others)).bytes.toString()).toBe('of sam');
    });
  });

  test('a link expires after a day, its message stays', async () => {
    const link = await files.sendFile();
    const unitOfWork = files.server.app.get(UnitOfWork, { strict: false });
    const day = 86_400 * 1_000_000;
    await unitOfWork.run((tx) =>
      tx.execute('UPDATE files SET created_at = created_at - ? WHERE uuid = ?', [day, link.uuid]),
    );
    expect(await files.upload(link, form({ content: 'late' }))).toMatchObject({
      status: 400,
      body: error('upload link has expired'),
    });
    expect(await files.stored(link)).toEqual([]);
    expect((await files.message(link)).file).toEqual({ filename: 'notes.txt', uuid: link.uuid, used: false });
  });
});

test('a file whose first chunk exceeds the limit is rejected', async () => {
  const server = await startServer({ maxFileSize: 1_000 });
  const alex = await server.parley.signUp('alex');
  const chat = await alex.createChat([]);
  const message = { type: 'file', filename: 'a.bin' };
  const { uuid } = expectSuccess(await alex.post(`/api/chats/${chat}/messages`, message)).data;
  const upload = (size: number) => {
    const body = form({ content: randomBytes(size) });
    return server.parley.request('POST', `/api/files/${uuid}`, { token: alex.token, ...body });
  };
  expect(await upload(1_001)).toMatchObject({
    status: 413,
    body: error('uploaded file must have at most 1000 bytes'),
  });
  expectSuccess(await upload(1_000));
  await server.close();
});
