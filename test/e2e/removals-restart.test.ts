import { expect, test } from 'vitest';
import { openDatabase } from '#src/database/data-source.js';
import { Reader } from '#src/database/unit-of-work.js';
import { ChildServer } from '../support/child-server.js';
import { Filler } from '../support/fill.js';
import { findViolations } from '../support/invariants.js';
import { expectSuccess, type Member } from '../support/parley.js';
import { createTestDatabase, startServer, testSettings } from '../support/server.js';
import { until } from '../support/until.js';

const MESSAGES = 100_000;

test('removals that kill -9 cuts off go on after the restart, and others are served meanwhile', async () => {
  const database = await createTestDatabase();
  const before = await startServer({}, database);
  const filler = new Filler(before);
  const [alex, sam, kim] = await Promise.all(
    ['alex', 'sam', 'kim'].map((name) => before.parley.signUp(name)),
  );
  const idOf = ({ username }: Member) => filler.idOf('users', 'username', username);
  const [doomed, shared] = [await alex.createChat([kim]), await kim.createChat([sam])];
  await filler.addMessages(await filler.idOf('chats', 'uuid', doomed), await idOf(alex), MESSAGES);
  await filler.addMessages(await filler.idOf('chats', 'uuid', shared), await idOf(sam), MESSAGES);
  await kim.send(shared, 'kept');
  await before.stop();

  const child = await ChildServer.start(database, { LOG_LEVEL: 'silent' });
  const { reader, writer } = await openDatabase(testSettings(database));
  const left = async () => {
    const [{ rows }] = await reader.query<{ rows: number }[]>('SELECT COUNT(*) AS "rows" FROM messages');
    return rows;
  };
  const total = await left();
  const startedAt = performance.now();
  expectSuccess(await child.parley.delete(`/api/chats/${doomed}`, { token: alex.token }));
  expectSuccess(await child.parley.delete('/api/users/sam', { token: sam.token }));
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  let longest = 0;
  await until('a part of the messages to be removed', async () => {
    const askedAt = performance.now();
    const path = `/api/chats/${shared}/messages`;
    const { body } = await child.parley.get(path, { token: kim.token });
    expect(body.data.messages).toMatchObject([{ message: 'first' }, { message: 'kept' }]);
    longest = Math.max(longest, performance.now() - askedAt);
    return (await left()) < total - MESSAGES / 10 ? true : undefined;
  });
  await child.kill('SIGKILL');
  expect(longest).toBeLessThan(5_000);
  expect(await left()).toBeGreaterThan(MESSAGES / 10);
  await writer.destroy();
  if (reader.isInitialized) await reader.destroy();

  const after = await startServer({}, database);
  expect(await findViolations(after)).toEqual({});
  const token = kim.token;
  const { body } = await after.parley.get(`/api/chats/${shared}/messages`, { token });
  expect(body.data.messages).toMatchObject([{ index: 0 }, { index: MESSAGES + 1, message: 'kept' }]);
  expect((await after.parley.get(`/api/chats/${doomed}`, { token })).body.code).toBe('chat_not_found');
  expect(await after.app.get(Reader).query('SELECT * FROM messages')).toHaveLength(2);
  await after.stop();
  await database.drop();
}, 60_000);
