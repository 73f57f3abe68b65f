import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * Starts a server that passes requests on to another one, unless `answer` has answered. If it returns 'lose', the answer of the
 * other server is lost. Returns the address.
 */
export async function standIn(
  url: string,
  answer: (request: IncomingMessage, response: ServerResponse) => 'lose' | void,
): Promise<string> {
  const stand = createServer((request, response) => {
    const fate = answer(request, response);
    if (response.writableEnded) return;
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = 'GET', url: path = '' } = request;
      const headers = Object.fromEntries(
        ['authorization', 'content-type', 'idempotency-key'].flatMap((name) => {
          const value = request.headers[name];
          return typeof value === 'string' ? [[name, value]] : [];
        }),
      );
      const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
      const real = await fetch(url + path, { method, headers, body });
      const text = await real.text();
      if (fate === 'lose') response.destroy();
      else
        response.writeHead(real.status, { 'content-type': 'application/json', ...replayOf(real) }).end(text);
    })();
  });
  await new Promise<void>((resolve) => stand.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    stand.close();
    stand.closeAllConnections();
  });
  return `http://127.0.0.1:${(stand.address() as AddressInfo).port}`;
}

/** Returns the header that tells of a replay, if there is one. */
function replayOf({ headers }: Response): Record<string, string> {
  const value = headers.get('idempotency-replayed');
  return value === null ? {} : { 'idempotency-replayed': value };
}
