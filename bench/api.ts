export interface User {
  username: string;
  password: string;
  token: string;
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer;
}

export function buildGet(path: string, { token }: User): HttpRequest {
  return { method: 'GET', path, headers: { authorization: token } };
}

export function buildPost(path: string, json: object, user?: User): HttpRequest {
  const headers = { 'content-type': 'application/json', ...(user && { authorization: user.token }) };
  return { method: 'POST', path, headers, body: JSON.stringify(json) };
}

export async function buildUpload(link: string, { token }: User, bytes: Buffer): Promise<HttpRequest> {
  const form = new FormData();
  form.set('file', new Blob([bytes]), 'notes.txt');
  const encoded = new Response(form);
  const headers = { authorization: token, 'content-type': encoded.headers.get('content-type') ?? '' };
  const body = Buffer.from(await encoded.arrayBuffer());
  return { method: 'POST', path: `/api/files/${link}`, headers, body };
}

/** Removes what Parley adds to the chats of the reference, which the floor does not know. */
export function withoutAdditions(text: string): string {
  return text.replaceAll(/,"unread":\d+,.*?,"room_id":[^}]*\}/g, '}');
}

export async function fetchAnswer(url: string, { path, ...init }: HttpRequest) {
  const response = await fetch(url + path, init);
  const text = await response.text();
  return { status: response.status, contentType: response.headers.get('content-type'), text };
}

/** @throws unless the answer has status 200. */
export async function fetchData<T>(url: string, request: HttpRequest): Promise<T> {
  const { status, text } = await fetchAnswer(url, request);
  if (status === 200) return (JSON.parse(text) as { data: T }).data;
  throw new Error(`${request.method} ${request.path} answered ${status}: ${text}`);
}

/** Sends a message of type `file` and returns its upload link, which takes one upload. */
export async function createUploadLink(url: string, chat: string, user: User): Promise<string> {
  const request = buildPost(`/api/chats/${chat}/messages`, { type: 'file', filename: 'notes.txt' }, user);
  return (await fetchData<{ uuid: string }>(url, request)).uuid;
}
