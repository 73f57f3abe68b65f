import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { ChatsService } from '../chats/chats.service.js';
import { MarkReadDto, type ReadStateDto } from '../chats/dto/chats.dto.js';
import { ParleyError } from '../errors/errors.js';
import { errorResponse, malformedRequest } from '../http/error-response.js';
import { bindInput } from '../http/input.pipe.js';
import type { Origin } from '../http/origin.js';
import { parseUuid } from '../http/parameters.js';
import type { Limits } from '../limits/limits.service.js';
import type { LocalLimit } from '../limits/limits.js';
import type { ChatAccess, Membership } from '../membership/membership.service.js';
import { SendMessageDto } from '../messages/dto/messages.dto.js';
import type { MessagesService } from '../messages/messages.service.js';
import type { Caller } from '../tokens/caller.js';
import type { TokensService } from '../tokens/tokens.service.js';
import { checkFrame, findFrameId, type Frame, type FrameOf, parseJson } from './frames.js';
import { closeSocket, SocketOutlet } from './socket.outlet.js';
import type { Stream } from './stream.js';
import type { Streams } from './streams.service.js';
import type { Typing } from './typing.service.js';

const HELLO_MS = 10_000;
const MAX_FRAMES_A_SECOND = 1_000;

/** While more frames wait, the client's frames are left in its connection. */
const MAX_WAITING_FRAMES = 64;
const MAX_WAITING_TEXT = 262_144;

export interface SocketServices {
  tokens: TokensService;
  streams: Streams;
  limits: Limits;
  membership: Membership;
  messages: MessagesService;
  chats: ChatsService;
  typing: Typing;
  logError: (error: unknown) => void;
}

interface Connection {
  client: WebSocket;
  socket: Socket;
  origin: Origin;
  /** The holder of the token in the headers of the upgrade, if there was one. */
  caller?: Caller;
  /** Runs when the client has said hello. */
  onIntroduced: () => void;
}

/** One WebSocket: takes the client's frames one after the other, in their order. */
export class SocketSession {
  private readonly client: WebSocket;
  private readonly origin: Origin;
  private readonly caller?: Caller;
  private readonly onIntroduced: () => void;
  private readonly outlet: SocketOutlet;
  private readonly waiting: string[] = [];
  private helloTimer?: NodeJS.Timeout;
  private waitingBytes = 0;
  private isWorking = false;
  private stream?: Stream;
  private second = 0;
  private framesOfSecond = 0;

  constructor(
    private readonly services: SocketServices,
    { client, socket, origin, caller, onIntroduced }: Connection,
  ) {
    this.client = client;
    this.origin = origin;
    this.caller = caller;
    this.onIntroduced = onIntroduced;
    this.outlet = new SocketOutlet(client, socket);
    this.helloTimer = setTimeout(() => this.refuse('no_hello'), HELLO_MS);
    client.on('message', (data: RawData, isBinary: boolean) => this.receive(data, isBinary));
    client.on('close', () => this.forget());
    // The library closes the connection with the fitting code.
    client.on('error', () => {});
  }

  private forget(): void {
    clearTimeout(this.helloTimer);
    this.waiting.length = 0;
    this.waitingBytes = 0;
  }

  private receive(data: RawData, isBinary: boolean): void {
    if (this.client.readyState !== this.client.OPEN) return;
    const second = Math.floor(performance.now() / 1000);
    this.framesOfSecond = second === this.second ? this.framesOfSecond + 1 : 1;
    this.second = second;
    if (this.framesOfSecond > MAX_FRAMES_A_SECOND) return this.refuse('rate_limited');
    // No frame of the protocol is empty, so this one is refused in its turn.
    const text = isBinary ? '' : (data as Buffer).toString();
    this.waiting.push(text);
    this.waitingBytes += text.length;
    if (this.waiting.length > MAX_WAITING_FRAMES || this.waitingBytes > MAX_WAITING_TEXT) this.client.pause();
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    for (let text = this.waiting.shift(); text !== undefined; text = this.waiting.shift()) {
      this.waitingBytes -= text.length;
      if (this.client.isPaused && this.waiting.length === 0) this.client.resume();
      if (this.client.readyState === this.client.OPEN) await this.handle(text);
    }
    this.isWorking = false;
  }

  private async handle(text: string): Promise<void> {
    let id: string | undefined;
    try {
      const value = parseJson(text);
      id = findFrameId(value);
      const answer = await this.answer(checkFrame(value));
      if (answer) this.outlet.send(answer);
    } catch (error) {
      const { message: reason, code, field, retryAfter, status } = errorResponse(error);
      if (status >= 500 && !(error instanceof ParleyError)) this.services.logError(error);
      this.outlet.send({ type: 'error', id, reason, code, field, retryAfter });
    }
  }

  private async answer(frame: Frame): Promise<object | undefined> {
    const { stream } = this;
    if (!stream) {
      if (frame.type !== 'hello') throw malformedRequest("the first frame must be of type 'hello'");
      await this.open(frame.token, frame.since);
      return undefined;
    }
    if (frame.type === 'hello') throw malformedRequest("only the first frame may be of type 'hello'");
    if (frame.type === 'ping') return { type: 'pong' };
    const access = await this.enter(stream, frame.chat, frame.type === 'send' ? 'send' : 'call');
    if (frame.type === 'typing') {
      this.services.typing.publish(access);
      return undefined;
    }
    const data =
      frame.type === 'send' ? await this.sendMessage(access, frame) : await this.read(access, frame);
    return { type: 'ack', id: frame.id, data };
  }

  private read(access: ChatAccess, { index }: FrameOf<'read'>): Promise<ReadStateDto> {
    return this.services.chats.markRead(access, bindInput(MarkReadDto, { index }, 'field'));
  }

  private async sendMessage(access: ChatAccess, { id, message }: FrameOf<'send'>): Promise<object> {
    const dto = bindInput(SendMessageDto, { type: 'message', message }, 'field');
    const { index, timestamp } = await this.services.messages.send(access, dto, id);
    return { index, timestamp };
  }

  /** As the guards of a REST call. */
  private async enter(stream: Stream, chat: string, limit: LocalLimit): Promise<ChatAccess> {
    const { caller } = stream;
    const { limits, membership, tokens } = this.services;
    const lookup = membership.requireMember(caller, parseUuid('chat', chat));
    // If the token is refused, nobody awaits the result.
    lookup.catch(() => {});
    await tokens.requireValid(caller).catch((error: unknown) => {
      if (errorResponse(error).code === 'token_invalid') stream.end('token_invalid');
      throw error;
    });
    limits.take(limit, String(caller.userId), this.origin);
    return lookup;
  }

  /** Counts the connection as a call without a good token. */
  private isOverLimit(): boolean {
    try {
      this.services.limits.take('anonymous', this.origin.network, this.origin);
      return false;
    } catch {
      return true;
    }
  }

  private async open(token: string | undefined, since: string | undefined): Promise<void> {
    clearTimeout(this.helloTimer);
    this.helloTimer = undefined;
    const { tokens, limits, streams } = this.services;
    try {
      const caller = token === undefined ? this.caller : await tokens.verify(token);
      if (!caller) return this.refuse('token_invalid');
      this.origin.userId = caller.userId;
      limits.take('call', String(caller.userId), this.origin);
      this.stream = await streams.open(caller, since, this.outlet);
      this.onIntroduced();
    } catch (error) {
      const { code, status } = errorResponse(error);
      if (code === 'token_invalid') this.refuse('token_invalid');
      else if (code === 'rate_limited') this.refuse('rate_limited');
      else this.refuse('restart');
      if (status >= 500 && !(error instanceof ParleyError)) this.services.logError(error);
    }
  }

  private refuse(reason: 'token_invalid' | 'no_hello' | 'rate_limited' | 'restart'): void {
    const isAnonymous = reason === 'token_invalid' || reason === 'no_hello';
    closeSocket(this.client, isAnonymous && this.isOverLimit() ? 'rate_limited' : reason);
    this.forget();
  }
}
