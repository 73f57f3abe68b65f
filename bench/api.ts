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
}

export interface Answer {
  status: number;
  contentType: string | null;
  text: string;
}

export async function call(url: string, { method, path, token, json }: Call): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: token }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: json === undefined ? undefined : JSON.stringify(json),
  });
  const text = await response.text();
  return { status: response.status, contentType: response.headers.get('content-type'), text };
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

  async upload(file: string, { token }: User, bytes: Buffer): Promise<void> {
    const form = new FormData();
    form.set('file', new Blob([bytes], { type: 'text/plain' }), 'file.txt');
    const response = await fetch(`${this.url}/api/files/${file}`, {
      method: 'POST',
      headers: { authorization: token },
      body: form,
    });
    if (response.status !== 200)
      throw new Error(`upload answered ${response.status}: ${await response.text()}`);
  }

  private async request<T>(request: Call, status = 200): Promise<T> {
    const answer = await call(this.url, request);
    if (answer.status === status) return JSON.parse(answer.text) as T;
    throw new Error(`${request.method} ${request.path} answered ${answer.status}: ${answer.text}`);
  }
}
