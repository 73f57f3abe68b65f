import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { type Json, type Member, Parley } from './parley.js';
import { until } from './until.js';

/** Why a stream ended: what the server sent last, or undefined if the connection broke. */
export type Ending = { code: string | number } | undefined;

/** A client that follows what happens in its user's chats. Every event is checked against the document. */
export class LiveClient {
  readonly events: Json[] = [];
  /** Where to resume. */
  lastId = '';
  /** Where to resume before the first event. */
  readyId = '';
  recovered = false;
  isReady = false;
  hasEnded = false;
  ending: Ending;
  /** Events that came after the end. */
  readonly late: Json[] = [];
  /** Answers to frames, of a WebSocket. */
  readonly answers: Json[] = [];

  constructor(
    private readonly parley: Parley,
    readonly close: () => void,
    /** Sends a frame, over a WebSocket. */
    readonly send: (frame: unknown) => void = () => {},
  ) {}

  ready(id: string, recovered: boolean): void {
    Object.assign(this, { lastId: id, readyId: id, recovered, isReady: true });
  }

  add(event: Json): void {
    this.parley.checkSchema('Event', event);
    this.events.push(event);
    if (this.hasEnded) this.late.push(event);
    if (event.id !== undefined) this.lastId = event.id;
  }

  end(ending: Ending): void {
    this.ending ??= ending;
    this.hasEnded = true;
  }

  /** `type` of each event of a chat, or of all chats. */
  types(chat?: string): string[] {
    return this.events.filter((event) => !chat || event.chat === chat).map(({ type }) => type);
  }

  /** Waits for the first event of the type, or that fits the condition. */
  waitFor(wanted: string | ((event: Json) => boolean)): Promise<Json> {
    const fits = typeof wanted === 'string' ? ({ type }: Json) => type === wanted : wanted;
    return until(`the event ${String(wanted)}`, () => this.events.find(fits));
  }

  /** Waits for the answer to the frame with an id. */
  answerTo(id: string): Promise<Json> {
    return until(`the answer to ${id}`, () => this.answers.find((answer) => answer.id === id));
  }

  waitForEnd(): Promise<Ending> {
    return until('the end of the stream', () => (this.hasEnded ? [this.ending] : undefined)).then(
      ([ending]) => ending,
    );
  }
}

export type Follow = (member: Pick<Member, 'parley' | 'token'>, since?: string) => Promise<LiveClient>;

export const followSse: Follow = async ({ parley, token }, since) => {
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (since !== undefined) headers['last-event-id'] = since;
  const { response, close } = await openEvents({ parley, token }, headers);
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${await text(response)}`);
  const client = new LiveClient(parley, close);
  void readSse(response, client).then(
    () => client.end(undefined),
    () => client.end(undefined),
  );
  await until('ready', () => client.isReady || client.hasEnded || undefined);
  return client;
};

/** Asks for events. Not with `fetch`, which opens another connection when one is aborted. */
export async function openEvents(
  { parley, token }: Pick<Member, 'parley' | 'token'>,
  headers: Record<string, string>,
  query = '',
): Promise<{ response: IncomingMessage; close: () => void }> {
  const request = get(`${parley.url}/api/events${query}`, {
    agent: false,
    headers: { authorization: token, ...headers },
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  return { response, close: () => request.destroy() };
}

async function readSse(response: IncomingMessage, client: LiveClient): Promise<void> {
  let received = '';
  for await (const chunk of response) {
    received += chunk as string;
    const blocks = received.split('\n\n');
    received = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.data === undefined) continue;
      const data = JSON.parse(fields.data);
      if (fields.event === 'ready') client.ready(fields.id, data.recovered);
      else if (fields.event === 'closed') client.end(data);
      else client.add(data);
    }
  }
}

export const followSocket: Follow = async ({ parley, token }, since) => {
  const client = openSocket(parley);
  await until('the socket to open', () => client.isOpen() || client.hasEnded || undefined);
  if (client.isOpen()) client.send({ type: 'hello', token, since });
  await until('ready', () => client.isReady || client.hasEnded || undefined);
  return client;
};

/** Opens a WebSocket that says no hello. */
export function openSocket(parley: Parley, options: { headers?: Record<string, string> } = {}) {
  const socket = new WebSocket(`${parley.url.replace('http', 'ws')}/api/ws`, options);
  const send = (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  const client = new LiveClient(parley, () => socket.terminate(), send);
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString());
    if (frame.type === 'ready') client.ready(frame.id, frame.recovered);
    else if (['ack', 'error', 'pong'].includes(frame.type)) client.answers.push(frame);
    else client.add(frame);
  });
  socket.on('close', (code) => client.end({ code }));
  socket.on('error', () => client.end(undefined));
  return Object.assign(client, { socket, isOpen: () => socket.readyState === WebSocket.OPEN });
}

/** Polls again and again. */
export const followPolls: Follow = async ({ parley, token }, since) => {
  const closed = new AbortController();
  const client = new LiveClient(parley, () => closed.abort());
  const poll = (query: string) => parley.get(`/api/events${query}`, { token });
  const first = await poll(since === undefined ? '' : `?since=${since}`);
  if (first.status !== 200) throw new Error(`${first.status} ${JSON.stringify(first.body)}`);
  const take = ({ body }: Json) => {
    for (const event of body.data.events) client.add(event);
    client.lastId = body.data.id;
  };
  client.ready(first.body.data.id, first.body.data.recovered);
  take(first);
  const goOn = async () => {
    while (!closed.signal.aborted) {
      const answer = await poll(`?since=${client.lastId}&wait=1`);
      if (answer.status !== 200) return client.end({ code: answer.body.code });
      if (!closed.signal.aborted) take(answer);
    }
    return client.end(undefined);
  };
  void goOn().catch(() => client.end(undefined));
  return client;
};

export const TRANSPORTS: [name: string, follow: Follow][] = [
  ['SSE', followSse],
  ['WebSocket', followSocket],
  ['polls', followPolls],
];
