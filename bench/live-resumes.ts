/* oxlint-disable unicorn/require-post-message-target-origin -- Threads have no origin. */
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { fail, type LiveStream, RestSocket } from './live-clients.js';
import {
  closeAll,
  inTime,
  LiveFigures,
  type LiveTestbed,
  openEventSource,
  openStreams,
  openWebSocket,
} from './live-figures.js';
import { takeTurns } from './measure.js';
import { TEAMS_IN_USE } from './seed-live.js';
import { textOfMessage } from './texts.js';

const MISSED = 1_000;
const RESUMES_PER_ROUND = 5;

/** Measures how long a stream that resumes takes to receive what it has missed. */
export async function measureResumes(name: string, { parley: { url }, seed, settled, options }: LiveTestbed) {
  const { absentee, desks } = seed;
  await settled;
  const [stream, socket] = [openWebSocket(url, absentee), new RestSocket(url)];
  const since = await inTime('a stream', stream.ready);
  for (let index = 0; index < MISSED; index += 1) {
    const { uuid, writer } = desks[index % TEAMS_IN_USE];
    const json = JSON.stringify({ type: 'message', message: textOfMessage(index) });
    await socket.post(`/api/chats/${uuid}/messages`, writer.token, json);
  }
  await closeAll([stream, socket]);
  const figures = ['WebSocket', 'SSE'].map((contender) => new LiveFigures(name, contender));
  const turns = [openWebSocket, openEventSource].map((open, index) => async () => {
    for (let repeat = 0; repeat <= RESUMES_PER_ROUND; repeat += 1) {
      const start = performance.now();
      const resumed = open(url, absentee, since);
      let received = 0;
      const replay = new Promise<void>((resolve) => {
        resumed.onEvent = () => {
          received += 1;
          if (received === MISSED) resolve();
        };
      });
      await inTime('a replay', replay);
      // The first one warms up.
      if (repeat > 0) figures[index].record(performance.now() - start);
      await resumed.close();
    }
  });
  await takeTurns(name, turns, options.rounds);
  return figures;
}

/** Lets 1,000 streams return at once, half of them over SSE, while a thread sends at a fixed pace. */
export async function measureReturn(name: string, { parley: { url }, seed, settled, options }: LiveTestbed) {
  const { members, teams } = seed;
  const contenders = ['until all are ready', 'sends before', 'sends meanwhile'];
  const figures = contenders.map((contender) => new LiveFigures(name, contender));
  const [allReady, quiet, busy] = figures;
  const json = JSON.stringify({ type: 'message', message: textOfMessage(0) });
  const [path, { token }] = [`/api/chats/${teams[0].uuid}/messages`, teams[0].members[0]];
  const pacer = new Worker(new URL('./pacer.js', import.meta.url), {
    workerData: { url, path, token, json },
  });
  pacer.on('error', fail);
  const paceDuring = async (task: Promise<unknown>, measured?: LiveFigures) => {
    pacer.postMessage('start');
    await task;
    pacer.postMessage('stop');
    const [latencies] = (await once(pacer, 'message')) as [number[]];
    for (const milliseconds of latencies) measured?.record(milliseconds);
  };
  await Promise.all([settled, paceDuring(sleep(options.warmUpMs))]);
  const openMember = (place: number, since?: string) =>
    (place % 2 ? openEventSource : openWebSocket)(url, members[place], since);
  const turn = async () => {
    const leaving = await openStreams(members.length, openMember);
    const ids = await Promise.all(leaving.map(({ ready }) => ready));
    await closeAll(leaving);
    const socket = new RestSocket(url);
    for (const {
      uuid,
      members: [member],
    } of teams) {
      await socket.post(`/api/chats/${uuid}/messages`, member.token, json);
    }
    await paceDuring(sleep(options.sliceMs * 4), quiet);
    let returned: LiveStream[] = [];
    const comeBack = async () => {
      const start = performance.now();
      returned = ids.map((id, place) => openMember(place, id));
      await Promise.all(returned.map(({ ready }) => ready));
      allReady.record(performance.now() - start);
    };
    await paceDuring(inTime('the return', comeBack()), busy);
    await closeAll([...returned, socket]);
  };
  await takeTurns(name, [turn], options.rounds);
  await pacer.terminate();
  return figures;
}
