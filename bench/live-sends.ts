import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { RestSocket, WebSocketStream } from './live-clients.js';
import {
  closeAll,
  inTime,
  LiveFigures,
  type LiveTestbed,
  openStreams,
  openWebSocket,
} from './live-figures.js';
import { takeTurns } from './measure.js';
import type { Options } from './options.js';
import { CONNECTIONS } from './seed.js';
import { TEAMS_IN_USE } from './seed-live.js';
import { textOfMessage } from './texts.js';

type Send = (turn: number) => Promise<void>;

/** Compares sends to chats without and with a stream of each member. */
export async function measureSendsToStreams(name: string, { parley, seed, options }: LiveTestbed) {
  const { url, pid } = parley;
  const teams = seed.teams.slice(0, TEAMS_IN_USE);
  const listeners = teams.flatMap(({ members }) => members);
  const contenders = ['without streams', '5 WebSockets per chat'];
  const figures = contenders.map((contender) => new LiveFigures(name, contender));
  const turns = figures.map((measured, index) => async () => {
    const streams = await openStreams(index * listeners.length, (place) =>
      openWebSocket(url, listeners[place]),
    );
    let received = 0;
    for (const stream of streams) stream.onEvent = () => (received += 1);
    const sockets = Array.from({ length: CONNECTIONS }, () => new RestSocket(url));
    const sends = sockets.map((socket, connection): Send => (turn) => {
      const { uuid, members } = teams[(connection * 7 + turn) % teams.length];
      const { token } = members[connection % members.length];
      const json = JSON.stringify({ type: 'message', message: textOfMessage(turn) });
      return socket.post(`/api/chats/${uuid}/messages`, token, json);
    });
    const sent = await repeat(sends, measured, pid, options);
    const waitForEvents = async () => {
      while (received < (sent * streams.length) / teams.length) await sleep(5);
    };
    await inTime('the last events', waitForEvents());
    await closeAll([...streams, ...sockets]);
  });
  await takeTurns(name, turns, options.rounds);
  return figures;
}

/** Compares sends over WebSockets with REST. All have an idempotency key, which a WebSocket's sends always have. */
export async function measureSendsOverSockets(name: string, { parley, seed, options }: LiveTestbed) {
  const { url, pid } = parley;
  const { desks } = seed;
  const contenders = ['over WebSockets', 'over REST, same WebSockets open', 'over REST, no streams'];
  const figures = contenders.map((contender) => new LiveFigures(name, contender));
  const run = randomUUID();
  let keys = 0;
  const turns = figures.map((measured, index) => async () => {
    const streams = await openStreams(index === 2 ? 0 : desks.length, (place) => {
      return new WebSocketStream(url, desks[place].writer.token);
    });
    const sockets = index === 0 ? [] : desks.map(() => new RestSocket(url));
    const sends = desks.map(({ uuid: chat, writer }, desk): Send => (turn) => {
      const [message, id] = [textOfMessage(turn), `${run}-${(keys += 1)}`];
      if (index === 0) return streams[desk].request(JSON.stringify({ type: 'send', id, chat, message }));
      const json = JSON.stringify({ type: 'message', message });
      return sockets[desk].post(`/api/chats/${chat}/messages`, writer.token, json, id);
    });
    await repeat(sends, measured, pid, options);
    await closeAll([...streams, ...sockets]);
  });
  await takeTurns(name, turns, options.rounds);
  return figures;
}

/** Has each client send in a loop, measures a round, and returns how many sends there were in all. */
async function repeat(sends: Send[], figures: LiveFigures, pid: number, { warmUpMs, sliceMs }: Options) {
  const state = { answers: 0, isMeasured: false, isStopped: false };
  const loops = sends.map(async (send) => {
    for (let turn = 0; !state.isStopped; turn += 1) {
      const start = performance.now();
      await send(turn);
      state.answers += 1;
      if (state.isMeasured) figures.record(performance.now() - start);
    }
  });
  await sleep(warmUpMs);
  await figures.addRound(pid, async () => {
    const before = state.answers;
    state.isMeasured = true;
    await sleep(sliceMs * 2);
    state.isMeasured = false;
    return state.answers - before;
  });
  state.isStopped = true;
  await inTime('the last answers', Promise.all(loops));
  return state.answers;
}
