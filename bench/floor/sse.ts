import type { ServerResponse } from 'node:http';
import { startBroadcaster } from './broadcaster.js';

const streams = new Set<ServerResponse>();

const server = startBroadcaster('SSE', (event) => {
  const block = `id: ${event.id}\nevent: message.created\ndata: ${JSON.stringify(event)}\n\n`;
  for (const stream of streams) stream.write(block);
});
server.on('request', ({ method }, response) => {
  if (method !== 'GET') return;
  streams.add(response);
  response.on('close', () => streams.delete(response));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: ready\ndata: {}\n\n');
});
