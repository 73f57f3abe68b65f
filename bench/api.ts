import { createHash } from 'node:crypto';

/** A user of the benchmark, logged in. */
export interface User {
  username: string;
  password: string;
  token: string;
}

export interface Call {
  method: 'GET' | 'POST';
  path: string;
  token?: string;
  json?: unknown;
  /** A body that is no JSON. */
  raw?: { type: string; bytes: Buffer };
}

export interface Answer {
  status: number;
  contentType: string | null;
  text: string;
}

export function headersOf({ token, json, raw }: Call): Record<string, string> {
  const type = json === undefined ? raw?.type : 'application/json';
  return {
    ...(token === undefined ? {} : { authorization: token }),
    ...(type === undefined ? {} : { 'content-type': type }),
  };
}

export const bodyOf = ({ json, raw }: Call) => (json === undefined ? raw?.bytes : JSON.stringify(json));

export async function call(url: string, request: Call): Promise<Answer> {
  const { method, path } = request;
  const response = await fetch(url + path, { method, headers: headersOf(request), body: bodyOf(request) });
  const text = await response.text();
  return { status: response.status, contentType: response.headers.get('content-type'), text };
}

const BOUNDARY = 'parley-bench';

/** The bytes as the form that an upload is. */
export function upload(file: string, { token }: User, bytes: Buffer): Call {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="notes.txt"\r\nContent-Type: text/plain\r\n\r\n`;
  const form = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
  const raw = { type: `multipart/form-data; boundary=${BOUNDARY}`, bytes: form };
  return { method: 'POST', path: `/api/files/${file}`, token, raw };
}

/** The server's API as the seed uses it: whatever fails ends the run. */
export class Api {
  constructor(private readonly url: string) {}

  async signUp(username: string): Promise<User> {
    const password = createHash('sha256').update(username).digest('hex');
    const name = `${username[0].toUpperCase()}${username.slice(1)} Ångström`;
    await this.request({
      method: 'POST',
      path: '/api/users',
      json: { username, password, name, email: `${username}@example.com` },
    });
    const { data } = await this.request<{ data: { token: string } }>({
      method: 'POST',
      path: '/api/auth/login',
      json: { username, password },
    });
    return { username, password, token: data.token };
  }

  /** The uuid of a new chat. */
  async createChat([owner, ...others]: User[], name: string, message: string): Promise<string> {
    const users = (others.length > 0 ? others : [owner]).map(({ username }) => username);
    const json = { name, users, message };
    const { data } = await this.request<{ data: { uuid: string } }>({
      method: 'POST',
      path: '/api/chats',
      token: owner.token,
      json,
    });
    return data.uuid;
  }

  async send(chat: string, { token }: User, message: string): Promise<void> {
    const json = { type: 'message', message };
    await this.request({ method: 'POST', path: `/api/chats/${chat}/messages`, token, json });
  }

  async createRoom({ token }: User, room_name: string): Promise<void> {
    await this.request({ method: 'POST', path: '/api/create_room', token, json: { room_name } }, 201);
  }

  /** The uuid of a new file's link. */
  async createLink(chat: string, { token }: User, filename: string): Promise<string> {
    const json = { type: 'file', filename };
    const path = `/api/chats/${chat}/messages`;
    const { data } = await this.request<{ data: { uuid: string } }>({ method: 'POST', path, token, json });
    return data.uuid;
  }

  async upload(file: string, user: User, bytes: Buffer): Promise<void> {
    await this.request(upload(file, user, bytes));
  }

  private async request<T>(request: Call, status = 200): Promise<T> {
    const answer = await call(this.url, request);
    if (answer.status === status) return JSON.parse(answer.text) as T;
    throw new Error(`${request.method} ${request.path} answered ${answer.status}: ${answer.text}`);
  }
}
