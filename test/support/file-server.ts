import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Reader } from '#src/database/unit-of-work.js';
import type { Settings, StorageSettings } from '#src/config/settings.js';
import { form, type RawForm } from './forms.js';
import { type Answer, expectSuccess, type Json, type Member } from './parley.js';
import { startServer, type TestServer } from './server.js';
import { openTestStorage, type TestStorage } from './storages.js';

/** The answer to sending a file. */
export interface Link {
  uuid: string;
  url: string;
  index: number;
  timestamp: number;
}

export interface Download {
  status: number;
  headers: Headers;
  bytes: Buffer;
}

/** Needs more than one part of an S3 upload. */
export const MAX_FILE_SIZE = 6 * 1_048_576;

/** A server with the chat of alex and sam, and with eve, who is not a member. */
export class FileServer {
  private constructor(
    readonly server: TestServer,
    readonly storage: TestStorage,
    readonly alex: Member,
    readonly sam: Member,
    readonly eve: Member,
    readonly chat: string,
  ) {}

  static async start(kind: StorageSettings['kind'], overrides: Partial<Settings> = {}): Promise<FileServer> {
    const storage = await openTestStorage(kind);
    const server = await startServer({
      storage: storage.settings,
      maxFileSize: MAX_FILE_SIZE,
      ...overrides,
    });
    const { parley } = server;
    const [alex, sam, eve] = [
      await parley.signUp('alex'),
      await parley.signUp('sam'),
      await parley.signUp('eve'),
    ];
    return new FileServer(server, storage, alex, sam, eve, await alex.createChat([sam]));
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.storage.close();
  }

  async send(message: object, sender = this.alex, chat = this.chat): Promise<Link> {
    return expectSuccess(await sender.post(`/api/chats/${chat}/messages`, message)).data;
  }

  sendFile = (sender?: Member, chat?: string) =>
    this.send({ type: 'file', filename: 'notes.txt' }, sender, chat);

  sendImage = () => this.send({ type: 'image' });

  upload({ uuid }: { uuid: string }, body: RawForm, { token } = this.alex): Promise<Answer> {
    return this.server.parley.request('POST', `/api/files/${uuid}`, { token, ...body });
  }

  async sendBytes(content: string | Uint8Array, filename = 'notes.txt', type?: string): Promise<Link> {
    const link = await this.send({ type: 'file', filename });
    expectSuccess(await this.upload(link, form({ content, type })));
    return link;
  }

  async download(
    { uuid }: { uuid: string },
    headers: Record<string, string> = {},
    { reader = this.sam, method = 'GET' } = {},
  ): Promise<Download> {
    const response = await fetch(`${this.server.url}/api/files/${uuid}`, {
      method,
      headers: { authorization: reader.token, ...headers },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes };
  }

  async message({ index }: { index: number }, chat = this.chat): Promise<Json> {
    return (await this.sam.get(`/api/chats/${chat}/messages/${index}`)).body;
  }

  /** Returns the storage keys of a link, with the leftovers of failed uploads. */
  async stored({ uuid }: { uuid: string }): Promise<string[]> {
    return (await this.storage.keys()).filter((key) => key.includes(uuid));
  }

  unfinishedUploads({ uuid }: { uuid: string }): Promise<object[]> {
    return this.rows('SELECT storage_key FROM uploads WHERE storage_key LIKE ?', `${uuid}%`);
  }

  fileRows({ uuid }: { uuid: string }): Promise<object[]> {
    return this.rows('SELECT uuid FROM files WHERE uuid = ?', uuid);
  }

  private rows(sql: string, value: string): Promise<object[]> {
    return this.server.app.get(Reader, { strict: false }).query(sql, [value]);
  }

  /** Opens a connection for raw HTTP. */
  async connect(): Promise<Socket> {
    return connectTo(this.server.url);
  }

  uploadHead(
    { uuid }: { uuid: string },
    { headers }: RawForm,
    length: number,
    { token } = this.alex,
  ): string {
    return [
      `POST /api/files/${uuid} HTTP/1.1`,
      'Host: parley.test',
      `Authorization: ${token}`,
      `Content-Type: ${headers['content-type']}`,
      `Content-Length: ${length}`,
      '\r\n',
    ].join('\r\n');
  }

  downloadHead({ uuid }: { uuid: string }): string {
    return `GET /api/files/${uuid} HTTP/1.1\r\nHost: x\r\nAuthorization: ${this.sam.token}\r\n\r\n`;
  }
}

export async function connectTo(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  // The server may reset a connection after an invalid request.
  socket.on('error', () => {});
  return socket;
}
