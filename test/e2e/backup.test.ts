import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backUp } from '#src/backup/back-up.js';
import { restore } from '#src/backup/restore.js';
import { Snapshot } from '#src/backup/snapshot.repository.js';
import { StartError } from '#src/config/settings.js';
import { DiskStorage } from '#src/files/storage/disk.storage.js';
import { type Finished, runCommand } from '../support/command.js';
import { form } from '../support/forms.js';
import { expectSuccess, type Json, Member, type Parley } from '../support/parley.js';
import {
  createTestDatabase,
  onMysql,
  startServer,
  type TestDatabase,
  testSettings,
} from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';
import { filesIn } from '../support/storages.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let servers: ServerProcess[];
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  servers = [];
  folder = join(database.dataDir, 'backup');
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.end('SIGKILL')));
  await database.drop();
});

const dataDir = (name: string) => join(database.dataDir, name);

async function start(): Promise<ServerProcess> {
  const server = await ServerProcess.start(database);
  servers.push(server);
  return server;
}

const run = (command: string, name = 'data', args = [folder]): Promise<Finished> =>
  runCommand(command, args, { DATABASE_URL: database.url, DATA_DIR: dataDir(name) });

async function succeed(command: string, name?: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, name);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** Runs a command that must fail with nothing but a message to the operator; returns the message. */
async function fail(command: string, name?: string, args?: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, name, args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr.trim();
}

function epochOf(file: string): string {
  const connection = new Database(file);
  const epochs = connection.prepare('SELECT epoch FROM database_epoch').pluck().all() as string[];
  connection.close();
  expect(epochs).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  return epochs[0];
}

const memberAt = (parley: Parley, { username, name, email, password, token }: Member) =>
  new Member(parley, username, name, email, password, token);

interface SentFile {
  index: number;
  uuid: string;
  content: string;
}

async function sendFile(sender: Member, chat: string, content: string): Promise<SentFile> {
  const path = `/api/chats/${chat}/messages`;
  const { index, uuid } = expectSuccess(await sender.post(path, { type: 'file', filename: 'a.txt' })).data;
  const { token, parley } = sender;
  expectSuccess(await parley.request('POST', `/api/files/${uuid}`, { token, ...form({ content }) }));
  return { index, uuid, content };
}

async function listAll(reader: Member, chat: string): Promise<Json[]> {
  const pages = [];
  for (
    let page: Json;
    (page = (await reader.list(chat, `?page=${pages.length}&per_page=1000`)).messages).length;
  )
    pages.push(page);
  return pages.flat();
}

describe.runIf(!onMysql)('a backup', () => {
  test('taken while clients send, upload and delete has everything that was acknowledged before', async () => {
    const server = await start();
    const alex = await (await server.parley()).signUp('alex');
    const chat = await alex.createChat([]);
    const texts = new Map<number, string>();
    const files = new Map<string, SentFile>();
    const deleted = new Set<string>();
    const ending = new AbortController();

    async function sendTexts(): Promise<void> {
      for (let count = 0; !ending.signal.aborted; count += 1)
        texts.set(await alex.send(chat, `text ${count}`), `text ${count}`);
    }
    async function sendFiles(): Promise<void> {
      for (let count = 0; !ending.signal.aborted; count += 1) {
        const content = randomBytes(count % 5 ? 100 : 300_000).toString('hex');
        const file = await sendFile(alex, chat, content);
        files.set(file.uuid, file);
        if (count % 3) continue;
        deleted.add(file.uuid);
        expectSuccess(await alex.delete(`/api/chats/${chat}/messages/${file.index}`));
      }
    }
    const clients = [sendTexts(), sendTexts(), sendFiles(), sendFiles()];
    await until('some messages and files', () => (texts.size > 50 && files.size > 20) || undefined);
    const before = { texts: new Map(texts), files: new Map(files) };
    expect(await succeed('backup')).toContain(folder);
    const during = texts.size - before.texts.size;
    ending.abort();
    await Promise.all(clients);
    expect(during).toBeGreaterThan(0);

    await succeed('restore', 'restored');
    const restored = await startServer({}, { ...database, dataDir: dataDir('restored') });
    const there = memberAt(restored.parley, alex);
    const messages = await listAll(there, chat);
    const stored = new Map<number, Json>(messages.map((message: Json) => [message.index, message]));
    for (const [index, text] of before.texts) expect(stored.get(index)?.message).toBe(text);
    for (const { index, uuid } of before.files.values()) {
      if (!deleted.has(uuid)) expect(stored.get(index)?.file).toMatchObject({ uuid, used: true });
    }
    const used = messages.filter(({ file }) => file?.used).map(({ file }) => file.uuid);
    expect(used.length).toBeGreaterThan(0);
    for (const uuid of used) {
      const known = files.get(uuid);
      const { status, body } = await there.get(`/api/files/${uuid}`);
      expect(status).toBe(200);
      if (known) expect(body === known.content).toBe(true);
    }
    expect(filesIn(dataDir('restored/files'))).toHaveLength(used.length);
    expect(await there.send(chat, 'and on')).toBeGreaterThan(Math.max(...before.texts.keys()));
    await there.parley.login('alex', alex.password);
    await restored.stop();
  }, 60_000);

  test('is for the operator only, and gets an epoch of its own each time it is restored', async () => {
    mkdirSync(folder, { mode: 0o755 });
    const server = await start();
    const alex = await (await server.parley()).signUp('alex');
    await sendFile(alex, await alex.createChat([]), 'secret');
    await server.end();
    expect(await succeed('backup')).toContain('the key that signs tokens');
    expect(readdirSync(folder).toSorted()).toEqual(['files', 'jwt-secret', 'parley.sqlite']);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
    }

    for (const name of ['one', 'other']) {
      await succeed('restore', name);
      expect(readFileSync(dataDir(`${name}/jwt-secret`))).toEqual(readFileSync(dataDir('data/jwt-secret')));
    }
    const folders = ['data', 'one', 'other'].map(dataDir);
    expect(new Set(folders.map((path) => epochOf(join(path, 'parley.sqlite')))).size).toBe(3);
    for (const path of folders) {
      expect(readdirSync(path).filter((name) => name.startsWith('parley'))).toEqual(['parley.sqlite']);
    }
  });

  test('has the files that it refers to, whatever is deleted and uploaded while it looks', async () => {
    const server = await startServer({}, database);
    const alex = await server.parley.signUp('alex');
    const chat = await alex.createChat([]);
    const remove = async ({ index, uuid }: SentFile) => {
      expectSuccess(await alex.delete(`/api/chats/${chat}/messages/${index}`));
      const isLeft = () => filesIn(dataDir('files')).some((name) => name.startsWith(uuid));
      await until('the bytes to be removed', () => !isLeft() || undefined);
    };
    const copied = await sendFile(alex, chat, 'deleted after it is copied');
    let last = await sendFile(alex, chat, 'deleted before it is copied');
    const replaceLast = async () => {
      const before = last;
      last = await sendFile(alex, chat, 'uploaded meanwhile');
      await remove(before);
    };
    const reading = vi.spyOn(DiskStorage.prototype, 'read');
    // After the first look, before anything is copied.
    reading.mockImplementationOnce(async function (this: DiskStorage, key) {
      await replaceLast();
      return this.read(key);
    });
    vi.spyOn(Snapshot.prototype, 'begin').mockImplementationOnce(function (this: Snapshot) {
      // After the second look, which finds the new file.
      reading.mockImplementationOnce(async function (this: DiskStorage, key) {
        await replaceLast();
        await remove(copied);
        return this.read(key);
      });
      return this.begin();
    });
    vi.spyOn(Snapshot.prototype, 'copyTo').mockImplementationOnce(async function (this: Snapshot, file) {
      await sendFile(alex, chat, 'uploaded too late');
      return this.copyTo(file);
    });
    const report = await backUp(server.settings, folder).finally(() => vi.restoreAllMocks());
    await server.stop();

    expect(report).toContain('the database and 1 files');
    expect(report).not.toContain('missing');
    expect(filesIn(join(folder, 'files'))).toEqual([expect.stringContaining(last.uuid)]);
    const copy = new Database(join(folder, 'parley.sqlite'));
    const referred = copy.prepare('SELECT uuid FROM files WHERE chat_id IS NOT NULL').pluck().all();
    copy.close();
    expect(referred).toEqual([last.uuid]);
  });

  test('is made and restored even if the storage has lost a file, which it names', async () => {
    const server = await startServer({}, database);
    const alex = await server.parley.signUp('alex');
    const chat = await alex.createChat([]);
    const [lost] = [await sendFile(alex, chat, 'lost'), await sendFile(alex, chat, 'kept')];
    const key = filesIn(dataDir('files')).find((name) => name.startsWith(lost.uuid)) ?? '';
    rmSync(join(dataDir('files'), key.slice(0, 2), key));
    const naming = new RegExp(`^1 files are missing .*: ${key}$`, 'm');
    expect(await backUp(server.settings, folder)).toMatch(naming);
    await server.stop();
    expect(await succeed('restore', 'restored')).toMatch(naming);
    expect(filesIn(dataDir('restored/files'))).toHaveLength(1);
  });

  test('is refused without a folder, into a folder with files, and without a database', async () => {
    expect(await fail('backup', 'data', [])).toMatch(/npm run backup -- <folder>$/);
    expect(await fail('backup')).toMatch(/^There is no database .*data\/parley.sqlite$/);
    expect(existsSync(dataDir('data'))).toBe(false);
    mkdirSync(dataDir('data'));
    writeFileSync(dataDir('data/parley.sqlite'), '');
    mkdirSync(folder);
    writeFileSync(join(folder, 'notes'), 'mine');
    expect(await fail('backup')).toBe(`${folder} is not empty`);
    expect(readdirSync(folder)).toEqual(['notes']);
  });

  test('is refused in one line into a file, and of a file that is no database', async () => {
    mkdirSync(dataDir('data'));
    writeFileSync(dataDir('data/parley.sqlite'), 'no database'.repeat(1000));
    writeFileSync(dataDir('notes'), 'mine');
    expect(await fail('backup', 'data', [dataDir('notes')])).toMatch(/^ENOTDIR: .*notes'$/);
    expect(readFileSync(dataDir('notes'), 'utf8')).toBe('mine');
    expect(await fail('backup')).toBe('The database cannot be read: file is not a database');
  });
});

test.runIf(!onMysql)('a restore overwrites nothing, and checks the backup', async () => {
  const server = await startServer({}, database);
  await backUp(server.settings, folder);
  const before = epochOf(dataDir('parley.sqlite'));
  await expect(restore(server.settings, folder)).rejects.toThrow(/\/parley.sqlite exists: stop the server/);
  expect(epochOf(dataDir('parley.sqlite'))).toBe(before);
  await server.stop();

  const target = testSettings({ ...database, dataDir: dataDir('restored') });
  async function refuse(reason: string, from = folder): Promise<void> {
    await expect(restore(target, from)).rejects.toThrow(StartError);
    await expect(restore(target, from)).rejects.toThrow(reason);
    expect(readdirSync(target.dataDir)).not.toContain('parley.sqlite');
    expect(readdirSync(target.dataDir)).not.toContain('parley.sqlite.restoring');
  }
  for (const name of ['parley.sqlite-wal', 'parley.sqlite-journal', 'files/ab/left']) {
    const left = join(target.dataDir, name);
    mkdirSync(dirname(left), { recursive: true });
    writeFileSync(left, '');
    await refuse(
      name.startsWith('files') ? 'files is not empty: move it away' : `${name} exists: stop the server`,
    );
    rmSync(left);
  }
  rmSync(join(target.dataDir, 'files'), { recursive: true });

  await refuse('nowhere is no complete backup', dataDir('nowhere'));
  const key = join(target.dataDir, 'jwt-secret');
  const ownKey = readFileSync(key, 'utf8');
  await refuse('jwt-secret is not the key of the backup: move it away');
  expect(readFileSync(key, 'utf8')).toBe(ownKey);
  writeFileSync(key, readFileSync(join(folder, 'jwt-secret')));
  const file = join(folder, 'parley.sqlite');
  const bytes = readFileSync(file);
  for (const damaged of [bytes.subarray(0, bytes.length / 2), Buffer.from('no database'.repeat(1000))]) {
    writeFileSync(file, damaged);
    await refuse('parley.sqlite is damaged');
  }
  writeFileSync(file, bytes);
  await restore(target, folder);
  expect(epochOf(target.database.kind === 'sqlite' ? target.database.file : '')).not.toBe(before);
});

describe.runIf(onMysql)('on MySQL', () => {
  async function epoch(): Promise<string> {
    const connection = await createConnection({ uri: database.url });
    const [rows] = await connection.query<RowDataPacket[]>('SELECT epoch FROM database_epoch');
    await connection.end();
    expect(rows).toHaveLength(1);
    return rows[0].epoch;
  }

  test('a backup names the tools that make one, and fails', async () => {
    expect(await fail('backup')).toMatch(/mariadb-dump .*--single-transaction.* mariabackup/);
    expect(existsSync(folder)).toBe(false);
  });

  test('a restore only starts a new epoch', async () => {
    await (await start()).end();
    const epochs = [await epoch()];
    for (const _ of ['once', 'again']) {
      const { code, stdout } = await run('restore', 'data', []);
      expect(code).toBe(0);
      expect(stdout).toMatch(/has a new epoch/);
      epochs.push(await epoch());
    }
    expect(new Set(epochs).size).toBe(3);
  });
});
