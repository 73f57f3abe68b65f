import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { type OnGatewayConnection, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { WebSocket, WebSocketServer as Server } from 'ws';
import { ChatsService } from '../chats/chats.service.js';
import type { Origin } from '../http/origin.js';
import { Limits } from '../limits/limits.service.js';
import { Membership } from '../membership/membership.service.js';
import { MessagesService } from '../messages/messages.service.js';
import type { Caller } from '../tokens/caller.js';
import { TokensService } from '../tokens/tokens.service.js';
import { serverRestarts } from './live-errors.js';
import { closeSocket } from './socket.outlet.js';
import { type SocketServices, SocketSession } from './socket-session.js';
import type { Upgrade } from './socket.adapter.js';
import { Streams } from './streams.service.js';
import { Typing } from './typing.service.js';

/** What is known of a client before its first frame. */
export interface Handshake {
  socket: Socket;
  origin: Origin;
  caller?: Caller;
}

/** The WebSockets of clients that follow their chats, and send, read and type there. */
@WebSocketGateway()
export class LiveGateway implements OnGatewayConnection, OnModuleDestroy {
  @WebSocketServer()
  private readonly server!: Server;

  private readonly logger = new Logger('LiveGateway');
  private readonly services: SocketServices;
  /** Clients that have not said hello, and so have no stream. */
  private readonly strangers = new Set<WebSocket>();
  private isClosing = false;

  constructor(
    tokens: TokensService,
    streams: Streams,
    limits: Limits,
    membership: Membership,
    messages: MessagesService,
    chats: ChatsService,
    typing: Typing,
  ) {
    const logError = (error: unknown) => this.logger.error((error as Error).stack);
    this.services = { tokens, streams, limits, membership, messages, chats, typing, logError };
  }

  /** @throws ParleyError (unavailable) while the server stops, so that a proxy asks another instance. */
  requireOpen(): void {
    if (this.isClosing) throw serverRestarts();
  }

  /** Answers the request with a WebSocket, or with 400 if it is no valid one. */
  upgrade(request: IncomingMessage, { socket, head }: Upgrade, handshake: Omit<Handshake, 'socket'>): void {
    this.server.handleUpgrade(request, socket, head, (client) => {
      this.server.emit('connection', client, { ...handshake, socket });
    });
  }

  handleConnection(client: WebSocket, { socket, origin, caller }: Handshake): void {
    this.strangers.add(client);
    const onIntroduced = () => this.strangers.delete(client);
    client.once('close', onIntroduced);
    // The connection refers to the session.
    void new SocketSession(this.services, { client, socket, origin, caller, onIntroduced });
  }

  onModuleDestroy(): void {
    this.isClosing = true;
    for (const client of this.strangers) closeSocket(client, 'restart');
  }
}
