import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Loaded into a server by `--import`. On SIGCONT, which ends no process, it collects the garbage and writes what is left to stderr, in one line.

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

process.on('SIGCONT', () => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const handles = {};
  for (const type of process.getActiveResourcesInfo()) handles[type] = (handles[type] ?? 0) + 1;
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  process.stderr.write(`probe ${JSON.stringify({ bytes: heapUsed + external, handles, listeners })}\n`);
});
