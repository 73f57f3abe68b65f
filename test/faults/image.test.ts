import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Instruction, lastInstruction, readDockerfile, type Stage } from '../support/dockerfile.js';
import { freePort } from '../support/free-port.js';
import { expectSuccess, Parley } from '../support/parley.js';
import { until } from '../support/until.js';

const CONTEXT = join(import.meta.dirname, '../..');
const NOBODY = '65534';

/** It took 170 to 220 s beside three other suites. */
const TIMEOUT_MS = 600_000;

const AS_NOBODY = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'];

/** Stands for the file systems of the stages, each in a folder with its name. */
let root: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'parley-image-'));
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'home'));
  await packSqlite(join(root, 'home'));
});

afterAll(async () => {
  await run('rm', ['-rf', root]);
}, TIMEOUT_MS);

const run = promisify(execFile);

/** Packs the binary of this checkout, which `npm ci` would compile for a minute where it cannot download one. */
async function packSqlite(folder: string): Promise<void> {
  const source = join(CONTEXT, 'node_modules/better-sqlite3');
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const platform = `node-v${process.versions.modules}-${process.platform}-${process.arch}`;
  const archive = join(folder, `better-sqlite3-v${version}-${platform}.tar.gz`);
  await run('tar', ['-czf', archive, '-C', source, 'build/Release/better_sqlite3.node']);
}

const folderOf = ({ name }: Pick<Stage, 'name'>) => join(root, name || 'image');

/** Copies as Docker does: what is in a folder, not the folder. */
function copy(text: string, stage: Stage): void {
  const [, from, paths] = /^(?:--from=(\w+) )?(.*)$/.exec(text) ?? [];
  const sources = paths.split(' ');
  const target = sources.pop() ?? '';
  for (const source of sources) {
    const path = join(from ? folderOf({ name: from }) : CONTEXT, source);
    const isInto = target.endsWith('/') && !statSync(path).isDirectory();
    const to = join(folderOf(stage), 'app', target, isInto ? (source.split('/').at(-1) ?? '') : '');
    cpSync(path, to, { recursive: true, verbatimSymlinks: true });
  }
}

/** Runs a command in the stage's folder as a user who may write nowhere else. */
async function execute(text: string, stage: Stage): Promise<void> {
  const folder = folderOf(stage);
  const home = join(root, 'home');
  await run('chown', ['-R', `${NOBODY}:${NOBODY}`, folder, home]);
  const command = text.replaceAll(/ \/(?=\w)/g, ` ${folder}/`).replace('node:node', `${NOBODY}:${NOBODY}`);
  await run('setpriv', [...AS_NOBODY, 'sh', '-c', command], {
    cwd: join(folder, 'app'),
    // npm, which started the tests, tells its own user's folders.
    env: {
      ...process.env,
      HOME: home,
      npm_config_cache: join(home, '.npm'),
      npm_config_userconfig: join(home, '.npmrc'),
      npm_config_better_sqlite3_local_prebuilds: home,
    },
    maxBuffer: 16 * 1_048_576,
  });
}

async function build(stage: Stage): Promise<void> {
  mkdirSync(join(folderOf(stage), 'app'), { recursive: true });
  const steps: Record<string, ((text: string) => void | Promise<void>) | undefined> = {
    COPY: (text) => copy(text, stage),
    RUN: (text) => execute(text, stage),
    WORKDIR: (text) => expect(text).toBe('/app'),
  };
  for (const { name, text } of stage.instructions) await steps[name]?.(text);
}

/** Returns the variables of the image, with paths below its folder. */
function variablesOf({ instructions }: Stage, folder: string): Record<string, string> {
  const settings = instructions.filter(({ name }: Instruction) => name === 'ENV').map(({ text }) => text);
  return Object.fromEntries(
    settings
      .flatMap((text) => text.split(' '))
      .map((setting) => setting.split('='))
      .map(([name, value]) => [name, value.startsWith('/') ? folder + value : value]),
  );
}

test(
  'the steps of the Dockerfile make a server that starts, is healthy, and stops',
  async () => {
    const stages = readDockerfile();
    for (const stage of stages) await build(stage);
    const image = stages.at(-1)!;
    const folder = folderOf(image);
    const app = join(folder, 'app');
    // Neither the source nor what builds and tests it.
    expect(readdirSync(app).toSorted()).toEqual(['dist', 'node_modules', 'package.json', 'scripts']);
    expect(readdirSync(join(app, 'node_modules'))).not.toContain('vitest');
    await run('chown', ['-R', 'root:root', app]);
    await run('chmod', ['-R', 'a-w', app]);

    const port = String(await freePort());
    const env = { ...variablesOf(image, folder), PATH: process.env.PATH, PORT: port };
    const [command, ...args]: string[] = JSON.parse(lastInstruction(image, 'CMD'));
    const server = spawn('setpriv', [...AS_NOBODY, command, ...args], { cwd: app, env, stdio: 'pipe' });
    try {
      const output = outputOf(server);
      const url = `http://127.0.0.1:${port}`;
      await until('the server to listen', () => {
        if (server.exitCode !== null) throw new Error(`the server ended: ${output()}`);
        return output().includes('Parley listens on') || undefined;
      });
      const parley = await Parley.at(url);
      expectSuccess(await parley.get('/api/health/ready'));
      expect(await (await parley.signUp('alex')).createChat([])).toMatch(/^[0-9a-f-]{36}$/);
      const health = /CMD (\[.*\])$/.exec(lastInstruction(image, 'HEALTHCHECK'))?.[1] ?? '';
      const [checker, ...checkerArgs]: string[] = JSON.parse(health);
      const check = (variables: object) => run(checker, checkerArgs, { env: { ...env, ...variables } });
      await check({});
      await expect(check({ PORT: String(await freePort()) })).rejects.toThrow();
    } finally {
      server.kill('SIGTERM');
    }
    const code = await new Promise((resolve) => server.once('exit', resolve));
    expect(code).toBe(0);
  },
  TIMEOUT_MS,
);

function outputOf(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  }
  return () => output;
}
