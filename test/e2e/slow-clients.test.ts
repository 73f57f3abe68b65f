import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileServer, MAX_FILE_SIZE } from '../support/file-server.js';
import { form } from '../support/forms.js';
import { expectRawFailure } from '../support/failure.js';
import { expectSuccess } from '../support/parley.js';
import { exchange, request } from '../support/raw-http.js';
import { until } from '../support/until.js';

/** Shorter than in production, where no test could wait for them. */
const TIMING = {
  headersMs: 1_000,
  checkMs: 50,
  idleMs: 6_000,
  bodyMs: 1_000,
  uploadWindowMs: 2_000,
  stallMs: 2_000,
};
const JSON_TYPE = { 'Content-Type': 'application/json' };

let files: FileServer;

beforeAll(async () => {
  files = await FileServer.start('disk', { httpTiming: TIMING });
});

afterAll(() => files.close());

function open(bytes: string): Socket {
  const socket = connect(Number(new URL(files.server.url).port), '127.0.0.1');
  socket.on('error', () => {}).resume();
  if (bytes) socket.write(bytes);
  return socket;
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
const withToken = (more = {}) => ({ Authorization: files.alex.token, ...more });

describe('a client is cut off that', () => {
  test.each([
    ['sends nothing', () => '', undefined],
    ['does not finish its headers', () => 'GET /api/chats HTTP/1.1\r\nHost: x\r\nX-Slow: ', 408],
    [
      'does not finish its body',
      () => request('POST', '/api/users', { headers: { ...JSON_TYPE, 'Content-Length': '1000' } }),
      408,
    ],
    [
      'does not finish its chunks',
      () => request('POST', '/api/users', { headers: { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' } }),
      408,
    ],
  ])('%s', async (_, bytes, status) => {
    const answers = await exchange(files.server.url, bytes());
    if (status) expect(expectRawFailure(answers[0], status)).toBe('request took too long');
    expect(answers.length).toBeLessThanOrEqual(1);
  });

  test('does not finish the body of a room, which is told in the dialect of rooms, also to a page', async () => {
    const headers = { ...JSON_TYPE, Origin: 'https://chat.example.com', 'Content-Length': '1000' };
    const [answer] = await exchange(files.server.url, request('POST', '/api/create_room', { headers }));
    expect(JSON.parse(answer.body)).toEqual({ error: 'request took too long', code: 'malformed_request' });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  test('does not go on with its upload, which leaves nothing behind', async () => {
    const link = await files.sendFile();
    const body = form({ content: Buffer.alloc(100_000) });
    const head = files.uploadHead(link, body, body.raw.length);
    const [answer] = await exchange(
      files.server.url,
      Buffer.concat([Buffer.from(head), body.raw.subarray(0, 5_000)]),
    );
    expect(expectRawFailure(answer, 408)).toBe('request took too long');
    await until('the upload to be removed', async () =>
      (await files.stored(link)).length + (await files.unfinishedUploads(link)).length === 0
        ? true
        : undefined,
    );
    expectSuccess(await files.upload(link, form({ content: 'again' })));
  });

  test('does not read its answers', async () => {
    const link = await files.sendBytes(Buffer.alloc(MAX_FILE_SIZE));
    const server = files.server.app.getHttpServer();
    const connections = () =>
      new Promise<number>((resolve) => server.getConnections((_: unknown, count: number) => resolve(count)));
    const before = await connections();
    const sockets = await Promise.all(Array.from({ length: 10 }, () => files.connect()));
    // More than the kernel keeps for a connection.
    for (const socket of sockets) socket.pause().write(files.downloadHead(link).repeat(10));
    await until('the downloads to begin', async () =>
      (await connections()) >= before + 10 ? true : undefined,
    );
    await until('the connections to be closed', async () =>
      (await connections()) <= before ? true : undefined,
    );
    for (const socket of sockets) socket.destroy();
  });

  test('keeps its side open after a malformed request', async () => {
    const port = Number(new URL(files.server.url).port);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {}).resume();
    await until('the connection to be reset', () => {
      socket.write('garbage\r\n\r\n');
      return socket.destroyed || undefined;
    });
  });

  test('is one of 300, and others are served meanwhile', async () => {
    const sockets = Array.from({ length: 100 }, () => [
      open(''),
      open('GET /api/chats HTTP/1.1\r\nHost: x\r\n'),
      open(request('POST', '/api/users', { headers: { ...JSON_TYPE, 'Content-Length': '9' } })),
    ]).flat();
    const all = Promise.all(sockets.map(closed));
    expectSuccess(await files.alex.get('/api/chats'));
    await all;
  });
});

test('a client that goes on is not cut off, however long it takes', async () => {
  const link = await files.sendFile();
  const body = form({ content: Buffer.alloc(100_000) });
  const socket = open(files.uploadHead(link, body, body.raw.length));
  let received = '';
  socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
  const start = performance.now();
  for (let sent = 0; sent < body.raw.length; sent += 4_000) {
    socket.write(body.raw.subarray(sent, sent + 4_000));
    await until('the time for the next bytes', () =>
      performance.now() - start > (sent / 4_000) * 200 ? true : undefined,
    );
  }
  await until('the answer', () => received.includes('\r\n\r\n{') || undefined);
  expect(received).toMatch(/^HTTP\/1\.1 200 /);
  socket.destroy();
});

test('a connection stays open between two requests for longer than a body may take', async () => {
  const path = `/api/chats/${files.chat}/messages`;
  const send = request('POST', path, {
    headers: withToken({ ...JSON_TYPE, Connection: 'keep-alive' }),
    body: '{"type":"message","message":"kept alive"}',
  });
  const socket = open(send);
  let received = '';
  socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
  const start = performance.now();
  await until('twice the time of a body', () => performance.now() - start > 2 * TIMING.bodyMs || undefined);
  socket.write(send);
  await until('two answers', () => received.match(/HTTP\/1\.1 200/g)?.length === 2 || undefined);
  await closed(socket);
});
