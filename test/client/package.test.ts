import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Streams } from '#src/live/streams.service.js';
import { bundleClient } from '../support/bundle.js';
import { createChat, joinAs, PASSWORD } from '../support/parley-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../..');
const CLIENT = join(ROOT, 'client');

/** Of the bundle for browsers with everything in it, minified and gzipped. */
const MAX_BYTES = 15_000;

const README = readFileSync(join(CLIENT, 'README.md'), 'utf8');

let server: TestServer;
/** An application that has nothing but the package. */
let folder: string;

beforeAll(async () => {
  server = await startServer();
  folder = mkdtempSync(join(tmpdir(), 'parley-client-'));
  await installPackage();
}, 120_000);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.close();
});

/** Installs the packed client, and from tarballs as well what it depends on, so that no registry is needed. */
async function installPackage(): Promise<void> {
  const packages = [CLIENT, ...dependenciesOf(CLIENT)];
  const tarballs = join(folder, 'tarballs');
  mkdirSync(tarballs);
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', tarballs, ...packages], {
    cwd: ROOT,
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const files = readdirSync(tarballs).map((name) => join(tarballs, name));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', ...files], {
    cwd: folder,
  });
}

function dependenciesOf(path: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const paths = Object.keys(dependencies).map((name) => join(ROOT, 'node_modules', name));
  return paths.flatMap((dependency) => [dependency, ...dependenciesOf(dependency)]);
}

/** Writes the recipe of a name, which its first line has, into the application. */
function writeRecipe(name: string): string {
  const [, code] = new RegExp(`\`\`\`js\\n(// ${name}\\n[^]*?)\`\`\``).exec(README) ?? [];
  if (!code) throw new Error(`the README has no ${name}`);
  writeFileSync(join(folder, name), code);
  return code;
}

/** Starts a recipe as the README says. */
function start(name: string, args: string[], env: Record<string, string>): { output(): string } {
  const child = spawn(process.execPath, [name, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, PARLEY_URL: server.url, ...env },
  });
  onTestFinished(() => void child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  return { output: () => output };
}

test('the package holds its build and its README, and installs with three dependencies', async () => {
  const { files } = JSON.parse(
    (await run('npm', ['pack', '--dry-run', '--json', CLIENT], { cwd: ROOT })).stdout,
  )[0];
  const names: string[] = files.map(({ path }: { path: string }) => path);
  expect(names.filter((name) => !name.startsWith('dist/')).toSorted()).toEqual(['README.md', 'package.json']);
  const installed = JSON.parse(
    readFileSync(join(folder, 'node_modules/@parley/client/package.json'), 'utf8'),
  );
  expect(Object.keys(installed.dependencies)).toEqual(['js-sha256', 'openapi-fetch', 'ws']);
});

test('a browser gets it all in 15 kB, without what only Node.js needs', async () => {
  const code = await bundleClient();
  const bytes = gzipSync(code, { level: 9 }).length;
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
  // The hash alone has a third of it.
  expect(bytes).toBeGreaterThan(MAX_BYTES / 3);
  expect(code).not.toMatch(/from\s*["']|require\(|node:|["']ws["']/);
});

test('its types work for a program that is strict', async () => {
  writeFileSync(
    join(folder, 'typed.ts'),
    `import { ParleyClient, ParleyError, type ErrorCode, type Message } from '@parley/client';
    const client = new ParleyClient({ url: '', storage: localStorage });
    export async function texts(chat: string): Promise<string[]> {
      const { data } = await client.api.GET('/api/chats/{chat}/messages', { params: { path: { chat } } });
      return data.data.messages.map((message: Message) => message.message);
    }
    client.on('chat.removed', ({ data }) => { const reason: 'left' | 'removed' | 'deleted' = data.reason; return reason; });
    export const codeOf = (error: unknown): ErrorCode | undefined => error instanceof ParleyError ? error.code : undefined;
    `,
  );
  const options = '--noEmit --strict --module nodenext --target es2023 --lib es2023,dom --ignoreConfig'.split(
    ' ',
  );
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, ...options, 'typed.ts'], {
    cwd: folder,
  }).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

test('the bot of the README answers', async () => {
  expect(writeRecipe('bot.js').split('\n').filter(Boolean).length).toBeLessThanOrEqual(15);
  await joinAs('echo', server.url);
  const alex = await joinAs('alex', server.url);
  const chat = await createChat(alex, ['echo']);
  alex.connect();
  const bot = start('bot.js', [], { BOT_NAME: 'echo', BOT_PASSWORD: PASSWORD });
  const answers: string[] = [];
  alex.on('message.created', ({ data }) => data.sender.username === 'echo' && answers.push(data.message));
  const isThere = () => server.app.get(Streams).countByTransport().websocket === 2 || undefined;
  await until('the bot', isThere).catch(() => expect.fail(bot.output()));
  await alex.send(chat, 'hello').sent;
  await until('the answer', () => answers.length > 0 || undefined).catch(() => expect.fail(bot.output()));
  expect(answers).toEqual(['You said: hello']);
});

test('the recipes for the terminal follow and upload', async () => {
  writeRecipe('follow.js');
  writeRecipe('upload.js');
  const kim = await joinAs('kim', server.url);
  const env = { PARLEY_USER: 'kim', PARLEY_PASSWORD: PASSWORD };
  const follow = start('follow.js', [], env);
  await until('events', () => follow.output().includes('(online)') || undefined);
  const chat = await createChat(kim, ['kim'], 'Notes');
  await kim.send(chat, 'hello').sent;
  await until('the message', () => /you are in Notes\nkim: hello\n/.test(follow.output()) || undefined);

  writeFileSync(join(folder, 'notes.txt'), 'x'.repeat(100_000));
  const upload = start('upload.js', [chat, 'notes.txt'], env);
  await until('the upload', () => upload.output().includes('bytes arrived') || undefined);
  expect(upload.output()).toMatch(/^(\d+ of 100000 bytes\n)+100000 bytes arrived\n$/);
});
