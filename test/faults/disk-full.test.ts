import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { form } from '../support/forms.js';
import { expectSuccess, type Member } from '../support/parley.js';
import { ServerProcess } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/server.js';
import { filesIn } from '../support/storages.js';
import { until } from '../support/until.js';
import { Writers } from '../support/writers.js';

const MEBIBYTE = 1_048_576;

let database: TestDatabase;
let server: ServerProcess;
let alex: Member;
let chat: string;
/** A disk of 16 MiB. */
let disk: string;

beforeEach(async () => {
  database = await createTestDatabase('');
  disk = mkdtempSync(join(tmpdir(), 'parley-disk-'));
  run('mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk);
});

afterEach(async () => {
  await server.end('SIGKILL');
  run('umount', disk);
  rmSync(disk, { recursive: true });
  await database.drop();
});

function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${command} failed, these tests must run as root: ${error?.message ?? stderr}`);
}

async function start(env: Record<string, string>): Promise<void> {
  server = await ServerProcess.start(database, env);
  alex = await (await server.parley()).signUp('alex');
  chat = await alex.createChat([]);
}

const filler = () => join(disk, 'filler');

/** Takes all that is left of the disk. */
function fill(): void {
  const { bavail, bsize } = statfsSync(disk);
  try {
    writeFileSync(filler(), Buffer.alloc(bavail * bsize), { flag: 'a' });
  } catch (error) {
    // The server was faster.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

test('a full disk of files refuses uploads with 507 and keeps nothing of them; text messages still work', async () => {
  const folder = join(disk, 'files');
  await start({ STORAGE_URL: `file:${folder}` });
  const message = { type: 'file', filename: 'notes.txt' };
  const { uuid } = expectSuccess(await alex.post(`/api/chats/${chat}/messages`, message)).data;
  const upload = (content: string | Uint8Array) =>
    server
      .parley()
      .then((parley) =>
        parley.request('POST', `/api/files/${uuid}`, { token: alex.token, ...form({ content }) }),
      );

  const answers = await Promise.all(Array.from({ length: 3 }, () => upload(randomBytes(20 * MEBIBYTE))));
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
    answers.map(() => [507, 'storage_full']),
  );
  expect(filesIn(folder)).toEqual([]);
  fill();
  expect((await upload('small')).status).toBe(507);
  expect(await alex.send(chat, 'text')).toBe(2);
  rmSync(filler());
  expectSuccess(await upload('small'));
});

test('a full disk of the database answers writes with 503, and recovers when there is space', async () => {
  await start({ DATABASE_URL: `sqlite:${join(disk, 'parley.sqlite')}` });
  const writers = new Writers(alex, chat, 20);
  for (let round = 0; round < 3; round += 1) {
    await writers.advance(100);
    const refused = writers.refused + 100;
    await until('writes to be refused', () => {
      fill();
      return writers.refused >= refused || undefined;
    });
    expectSuccess(await writers.parley.get('/api/health/live'));
    expect(await alex.texts(chat, '?page=0&per_page=1')).toEqual(['first']);
    expect((await alex.put('/api/users/alex', { name: 'Alex' })).status).toBe(503);
    rmSync(filler());
  }
  await writers.advance(100);
  await writers.stop();
  await writers.expectExactlyAcknowledged();
  expectSuccess(await alex.put('/api/users/alex', { name: 'Alex' }));
});
