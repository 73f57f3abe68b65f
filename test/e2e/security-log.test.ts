import { expect, test } from 'vitest';
import { digest, expectSuccess, type Json } from '../support/parley.js';
import { createTestDatabase } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';

test('the security log tells who did what, from where, and holds no secret', async () => {
  const database = await createTestDatabase();
  const server = await ServerProcess.start(database, { LOG_LEVEL: 'fatal', RATE_LIMITS: 'on' });
  const parley = await server.parley();
  const alex = await parley.signUp('alex');
  const sam = await parley.signUp('sam');
  const chat = await alex.createChat([sam], { message: 'a secret message' });
  const wrong = { username: 'alex', password: digest('wrong') };
  for (let n = 0; n < 11; n++) await parley.post('/api/auth/login', wrong);
  const { headers } = await alex.put('/api/users/alex', {
    password: digest('new'),
    email: 'new@example.com',
    name: 'New',
  });
  // It is the same one, so the log does not tell of a change.
  expectSuccess(await alex.put('/api/users/alex', { email: 'new@example.com' }));
  expectSuccess(await alex.delete(`/api/chats/${chat}`));
  expectSuccess(await sam.get('/api/auth/logout'));
  expectSuccess(await alex.delete('/api/users/alex'));
  await server.end();
  await database.drop();

  const lines: Json[] = server.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ audit }) => audit);
  const told = lines.map(({ event, userId }) => [event, userId]);
  expect(told).toEqual([
    ['user_registered', 1],
    ['login', 1],
    ['user_registered', 2],
    ['login', 2],
    ...Array.from({ length: 10 }, () => ['login_failed', 1]),
    ['rate_limited', undefined],
    ['password_changed', 1],
    ['email_changed', 1],
    ['chat_deleted', 1],
    ['logout', 2],
    ['user_deleted', 1],
  ]);
  for (const line of lines) {
    expect(line).toMatchObject({ address: '127.0.0.1', requestId: expect.stringMatching(/^[\w-]{36}$/) });
  }
  expect(lines.find(({ event }) => event === 'password_changed').requestId).toBe(headers.get('x-request-id'));
  const secrets = [
    alex.token,
    sam.token,
    alex.password,
    digest('new'),
    digest('wrong'),
    'secret message',
    '@',
  ];
  for (const secret of secrets) expect(JSON.stringify(lines)).not.toContain(secret);
});

test('LOG_LEVEL=silent silences the security log too', async () => {
  const database = await createTestDatabase();
  const server = await ServerProcess.start(database, { LOG_LEVEL: 'silent' });
  await (await server.parley()).signUp('alex');
  await server.end();
  await database.drop();
  expect(server.stderr).toBe('');
});
