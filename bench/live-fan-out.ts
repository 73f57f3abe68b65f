import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import pidusage from 'pidusage';
import { type LiveStream, RestSocket } from './live-clients.js';
import {
  closeAll,
  CONTENDERS,
  inTime,
  LiveFigures,
  type LiveTestbed,
  openStreams,
  openWebSocket,
} from './live-figures.js';
import { takeTurns } from './measure.js';
import type { Server } from './servers.js';
import { textOfMessage } from './texts.js';

const IDLE_STREAMS = 5_000;
const STREAMS_PER_USER = 10;
/** They stay open: they take what the process has in reserve. */
const EARLIER_STREAMS = 2_000;
const UNDER_WAY = 16;

/** Measures each round in a new process, because a process keeps memory that it has once needed. */
export async function measureIdleStreams(name: string, { seed, start, options }: LiveTestbed) {
  const figures = CONTENDERS.map((contender) => new LiveFigures(name, contender.name));
  const collector = ['--expose-gc', '--import', join(process.cwd(), 'dist/bench/collect-garbage.js')];
  const turns = CONTENDERS.map(({ script, open }, index) => async () => {
    const server = await start(script, collector);
    const users = seed.members.slice(0, IDLE_STREAMS / STREAMS_PER_USER);
    const openMany = (count: number) =>
      openStreams(count, (place) => open(server.url, users[place % users.length]));
    const earlier = await openMany(EARLIER_STREAMS);
    const before = await measureMemory(server);
    const streams = await openMany(IDLE_STREAMS);
    figures[index].bytes.push(((await measureMemory(server)) - before) / IDLE_STREAMS);
    await closeAll([...earlier, ...streams]);
    await server.stop();
  });
  await takeTurns(name, turns, options.rounds);
  return figures;
}

/** Returns the resident bytes of a server once collecting garbage frees no more. */
async function measureMemory({ pid }: Server): Promise<number> {
  for (let last = Infinity; ;) {
    process.kill(pid, 'SIGCONT');
    await sleep(700);
    const { memory } = await pidusage(pid);
    if (memory > last - 200_000) return Math.min(memory, last);
    last = memory;
  }
}

/** Measures latencies with one message under way, and the rate with several. */
export async function measureBroadcasts(name: string, { parley, seed, start, options }: LiveTestbed) {
  const { members, hall } = seed;
  const event = await captureEvent(parley, members[0], hall);
  const figures = CONTENDERS.map((contender) => new LiveFigures(name, contender.name));
  const servers = await Promise.all(
    CONTENDERS.map(async ({ script }) => (script === 'parley' ? parley : start(script))),
  );
  const turns = CONTENDERS.map(({ open }, index) => async () => {
    const { url, pid } = servers[index];
    const isBare = servers[index] !== parley;
    const streams = await openStreams(members.length, (place) => open(url, members[place]));
    const sockets = Array.from({ length: UNDER_WAY }, () => new RestSocket(url));
    const send = (turn: number) => {
      const { token } = members[turn % UNDER_WAY];
      const path = isBare ? '/' : `/api/chats/${hall}/messages`;
      const json = isBare ? event : JSON.stringify({ type: 'message', message: textOfMessage(turn) });
      void sockets[turn % UNDER_WAY].post(path, token, json);
    };
    await deliver(streams, send, UNDER_WAY, options.warmUpMs);
    await deliver(streams, send, 1, options.sliceMs * 4, (latency) => figures[index].record(latency));
    await figures[index].addRound(pid, async () => {
      return members.length * (await deliver(streams, send, UNDER_WAY, options.sliceMs * 4));
    });
    await closeAll([...streams, ...sockets]);
  });
  await takeTurns(name, turns, options.rounds);
  for (const server of servers) if (server !== parley) await server.stop();
  return figures;
}

/** Returns the JSON of an event, which the bare servers pass on. */
async function captureEvent({ url }: Server, user: LiveTestbed['seed']['absentee'], chat: string) {
  const [stream, socket] = [openWebSocket(url, user), new RestSocket(url)];
  await stream.ready;
  const event = new Promise<string>((resolve) => {
    stream.onEvent = (bytes, start, end) => resolve(bytes.toString('utf8', start, end));
  });
  const json = JSON.stringify({ type: 'message', message: textOfMessage(0) });
  await socket.post(`/api/chats/${chat}/messages`, user.token, json);
  const text = await inTime('an event', event);
  await closeAll([stream, socket]);
  return text;
}

/**
 * Sends for the given time and waits for the last delivery. A message is sent when the one `underWay` before it has reached
 * all streams. Returns the number of messages.
 */
function deliver(
  streams: LiveStream[],
  send: (turn: number) => void,
  underWay: number,
  milliseconds: number,
  record: (milliseconds: number) => void = () => {},
): Promise<number> {
  const received = streams.map(() => 0);
  const reached: number[] = [];
  const sentAt: number[] = [];
  const end = performance.now() + milliseconds;
  let delivered = 0;
  const sendNext = () => {
    reached.push(0);
    send(sentAt.push(performance.now()) - 1);
  };
  const delivery = new Promise<number>((resolve) => {
    for (const [place, stream] of streams.entries()) {
      stream.onEvent = () => {
        const message = received[place]++;
        reached[message] += 1;
        if (reached[message] < streams.length) return;
        record(performance.now() - sentAt[message]);
        delivered += 1;
        if (performance.now() < end) sendNext();
        else if (delivered === sentAt.length) resolve(delivered);
      };
    }
  });
  while (sentAt.length < underWay) sendNext();
  return inTime('a broadcast', delivery);
}
