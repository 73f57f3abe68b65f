import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Starts a bare server. It passes the JSON of each POST to `broadcast`: no database, no tokens, no chats. */
export function startBroadcaster(name: string, broadcast: (event: { id: string }) => void): Server {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return;
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      broadcast(JSON.parse(body));
      response.end('{}');
    });
  });
  process.once('SIGTERM', () => process.exit(0));
  server.listen(0, '127.0.0.1', 4096, () => {
    process.stdout.write(`${name} listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
  return server;
}
