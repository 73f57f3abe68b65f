import { createHash } from 'node:crypto';
import { checkErrorBody } from './error-body.js';
import { OpenApiChecker } from './openapi-checker.js';

/** A JSON value of unknown shape. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed JSON, or the text if the answer is not JSON. */
  body: Json;
}

export interface RequestOptions {
  token?: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent unchanged, in place of `json`. */
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
}

export const digest = (password: string) => createHash('sha256').update(password).digest('hex');

/** A client of the API that checks every answer against the server's OpenAPI document. */
export class Parley {
  private constructor(
    readonly url: string,
    private readonly checker: OpenApiChecker,
  ) {}

  static async at(url: string): Promise<Parley> {
    const document = await (await fetch(`${url}/api/docs-json`)).json();
    return new Parley(url, new OpenApiChecker(document as Json));
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const headers: Record<string, string> = {};
    if (options.token !== undefined) headers.authorization = options.token;
    if (options.json !== undefined) headers['content-type'] = 'application/json';
    const body = options.raw ?? (options.json === undefined ? undefined : JSON.stringify(options.json));
    const response = await fetch(this.url + path, {
      method,
      headers: { ...headers, ...options.headers },
      body,
    });
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.startsWith('application/json');
    const answer = {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
    this.checker.checkHeaders(method, path, answer.status, answer.headers);
    if (isJson) this.checker.check(method, path, answer.status, answer.body);
    if (isJson && answer.status >= 400) checkErrorBody(answer.status, answer.body);
    return answer;
  }

  /** Throws unless the value fits a schema of the document. */
  checkSchema(name: string, value: unknown): void {
    this.checker.checkSchema(name, value);
  }

  get = (path: string, options?: RequestOptions) => this.request('GET', path, options);
  post = (path: string, json?: unknown, options?: RequestOptions) =>
    this.request('POST', path, { json, ...options });
  put = (path: string, json?: unknown, options?: RequestOptions) =>
    this.request('PUT', path, { json, ...options });
  delete = (path: string, options?: RequestOptions) => this.request('DELETE', path, options);

  /** Registers a user and logs in. */
  async signUp(
    username: string,
    { name = username, email = `${username}@example.com` } = {},
  ): Promise<Member> {
    const password = digest(`password of ${username}`);
    expectSuccess(await this.post('/api/users', { username, password, email, name }));
    return new Member(this, username, name, email, password, await this.login(username, password));
  }

  /** Logs in, which must succeed; returns the token. */
  async login(username: string, password: string): Promise<string> {
    return expectSuccess(await this.post('/api/auth/login', { username, password })).data.token;
  }
}

/** A user who is logged in. */
export class Member {
  constructor(
    readonly parley: Parley,
    readonly username: string,
    readonly name: string,
    readonly email: string,
    /** The digest of the password. */
    readonly password: string,
    readonly token: string,
  ) {}

  /** The user as other users see it. */
  get user() {
    return { name: this.name, username: this.username };
  }

  get = (path: string, options?: RequestOptions) => this.parley.get(path, { token: this.token, ...options });
  post = (path: string, json?: unknown, options?: RequestOptions) =>
    this.parley.post(path, json, { token: this.token, ...options });
  put = (path: string, json?: unknown) => this.parley.put(path, json, { token: this.token });
  delete = (path: string) => this.parley.delete(path, { token: this.token });

  /** Creates a chat with other users; returns its uuid. */
  async createChat(others: Member[], { name = 'Chat', message = 'first' } = {}): Promise<string> {
    const users = [this, ...others].map(({ username }) => username);
    return expectSuccess(await this.post('/api/chats', { name, users, message })).data.uuid;
  }

  /** Sends a text message; returns its index. */
  async send(chat: string, message: string): Promise<number> {
    return expectSuccess(await this.post(`/api/chats/${chat}/messages`, { type: 'message', message })).data
      .index;
  }

  /** Returns the page of messages that the query string selects. */
  async list(chat: string, query = ''): Promise<Json> {
    return expectSuccess(await this.get(`/api/chats/${chat}/messages${query}`)).data;
  }

  /** As {@link list}, but returns only the texts. */
  async texts(chat: string, query = ''): Promise<string[]> {
    const { messages } = await this.list(chat, query);
    return messages.map(({ message }: Json) => message);
  }

  /** Returns the chat as `GET /api/chats/{chat}` does. */
  async describeChat(chat: string): Promise<Json> {
    return expectSuccess(await this.get(`/api/chats/${chat}`)).data[0];
  }
}

/** Returns the body of an answer that must be a success. */
export function expectSuccess({ status, body }: Answer): Json {
  if (status !== 200 || body.status !== 'success') throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}
