import { connect } from 'node:net';

/** An HTTP answer as the socket received it. */
export interface RawAnswer {
  status: number;
  /** By name in lower case. */
  headers: Record<string, string>;
  body: string;
}

/**
 * Sends raw bytes, and resolves with the answers once the server closes the connection. The last request
 * should have the header `Connection: close`.
 */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<RawAnswer[]> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes);
  const received: Buffer[] = [];
  for await (const chunk of socket) received.push(chunk as Buffer);
  return parseAnswers(Buffer.concat(received));
}

/** Returns the text of a request, by default with `Connection: close`. */
export function request(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Partial<Record<string, string>>; body?: string } = {},
): string {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const all = Object.entries({ Host: 'parley.test', Connection: 'close', ...length, ...headers });
  const lines = [`${method} ${path} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

function parseAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`not HTTP: ${rest.toString()}`);
    const [statusLine, ...lines] = rest.subarray(0, end).toString().split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^[^:]*:\s*/, '')]),
    );
    const start = end + 4;
    const length = Number(headers['content-length'] ?? 0);
    const body = rest.subarray(start, start + length).toString();
    answers.push({ status: Number(statusLine.split(' ')[1]), headers, body });
    rest = rest.subarray(start + length);
  }
  return answers;
}
