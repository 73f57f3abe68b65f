import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** npm runs the benchmark in the folder of package.json. */
const ROOT = process.cwd();
const SCRIPTS = {
  parley: 'dist/src/main.js',
  floor: 'dist/bench/floor/main.js',
  // Bare servers of live events.
  ws: 'dist/bench/floor/ws.js',
  sse: 'dist/bench/floor/sse.js',
  socketIo: 'dist/bench/floor/socket-io.js',
};

/** A server that is measured, in a process of its own. */
export type Server = Awaited<ReturnType<typeof startServer>>;

const children = new Set<ChildProcess>();

/** Starts a server with the flags that `npm run start:prod` gives Node. What it logs goes to stderr. */
export async function startServer(
  name: keyof typeof SCRIPTS,
  env: Record<string, string>,
  folder: string,
  nodeFlags: string[] = [],
) {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const startFlags = (scripts['start:prod'] as string).match(/--\S+/g) ?? [];
  const child = spawn(process.execPath, [...nodeFlags, ...startFlags, join(ROOT, SCRIPTS[name])], {
    // A folder without a developer's `.env`.
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      ...env,
      DATA_DIR: join(folder, 'data'),
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'warn',
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  let output = '';
  for await (const chunk of child.stdout ?? []) {
    output += String(chunk);
    const url = / listens on (\S+)\n/.exec(output)?.[1];
    if (url && child.pid) return { url, pid: child.pid, stop: () => stopChild(child) };
  }
  throw new Error(`${name} did not start`);
}

/** Stops all servers, including those that are still starting. */
export async function stopServers(): Promise<void> {
  await Promise.all([...children].map(stopChild));
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
