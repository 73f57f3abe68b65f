import { WebSocketServer } from 'ws';
import { startBroadcaster } from './broadcaster.js';

const server = startBroadcaster('ws', (event) => {
  const text = Buffer.from(JSON.stringify(event));
  for (const client of sockets.clients) client.send(text, { binary: false });
});
const sockets = new WebSocketServer({ server });
sockets.on('connection', (client) => client.send('{"type":"ready","id":""}'));
