import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createDatabase, DATABASE_KINDS } from '../support/mariadb.js';
import { digest, expectSuccess, type Json, Member } from '../support/parley.js';
import { createRoom } from '../support/rooms.js';
import { ServerProcess } from '../support/server-process.js';

/** The last commit of the release from which upgrades roll. Move it at each release, with `RELEASE` of migrations-add.test.ts. */
const PREVIOUS = '6b7190bc0158120aabfc9e90a3885be4365b9592';

const ROOT = join(import.meta.dirname, '../..');

/** An archive of the sources has no history. */
const hasHistory = existsSync(join(ROOT, '.git'));

describe.runIf(hasHistory)('a server of the previous release, beside one of this release', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-previous-'));
    const archive = execFileSync('git', ['archive', PREVIOUS], { cwd: ROOT, maxBuffer: 2 ** 28 });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    execFileSync('node', ['scripts/build.mjs'], { cwd: folder });
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(DATABASE_KINDS)('works on the database that this release has migrated, on %s', async (kind) => {
    const database = await createDatabase(kind);
    const servers: ServerProcess[] = [];
    onTestFinished(async () => {
      for (const server of servers) await server.end('SIGKILL');
      await database.drop();
    });
    const start = async (main?: string) => {
      const server = await ServerProcess.start(database, {}, main);
      servers.push(server);
      return server.parley();
    };
    const current = await start();
    const previous = await start(join(folder, 'dist/src/main.js'));

    const pairs = [
      [previous, current],
      [current, previous],
    ];
    for (const [n, [here, there]] of pairs.entries()) {
      const [alex, sam] = await Promise.all(['alex', 'sam'].map((name) => here.signUp(`${name}${n}`)));
      const samThere = new Member(there, sam.username, sam.name, sam.email, '', sam.token);
      const chat = await alex.createChat([sam], { message: 'first' });
      const sends = Array.from({ length: 20 }, (_, turn) =>
        (turn % 2 ? alex : samThere).send(chat, `message ${turn}`),
      );
      expect((await Promise.all(sends)).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, count) => count + 1),
      );
      expectSuccess(await alex.put(`/api/chats/${chat}/messages/0`, { message: 'edited' }));
      const index = await alex.send(chat, 'to be deleted');
      expectSuccess(await alex.delete(`/api/chats/${chat}/messages/${index}`));
      const [listHere, listThere] = await Promise.all([sam, samThere].map((one) => one.list(chat)));
      expect(listThere).toEqual(listHere);
      expect(listHere.messages[0]).toMatchObject({ index: 0, message: 'edited' });

      const { id, name } = await createRoom(alex, `Room of ${alex.username}`);
      const joined = await samThere.post('/api/join_room', { name });
      const said = await samThere.post('/api/send_room_message', { room_id: id, message: 'hello' });
      expect([joined.status, said.status]).toEqual([200, 200]);

      const chats: Json[] = expectSuccess(await samThere.get('/api/chats')).data;
      expect(chats.map(({ uuid }) => uuid)).toContain(chat);
      expectSuccess(await samThere.put(`/api/chats/${chat}/read`, { index: 20 }));
      expect(await there.login(alex.username, digest(`password of ${alex.username}`))).toBeTruthy();
      expectSuccess(await alex.get('/api/auth/logout'));
      expect((await there.get('/api/chats', { token: alex.token })).status).toBe(401);
      expectSuccess(await samThere.delete(`/api/users/${sam.username}`));
      expect((await here.get('/api/chats', { token: sam.token })).status).toBe(401);
    }
  });
});
