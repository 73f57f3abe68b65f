import { Server } from 'socket.io';
import { startBroadcaster } from './broadcaster.js';

const server = startBroadcaster('Socket.IO', (event) => io.emit('event', event));
const io = new Server(server, { transports: ['websocket'], serveClient: false });
