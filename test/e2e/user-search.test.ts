import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json, Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

const USERNAMES = [
  'alex',
  'Alexandra',
  'xalex',
  'alxe',
  'Élodie',
  'under_score',
  'underxscore',
  '用户',
  ...Array.from({ length: 12 }, (_, index) => `crowd${String(index).padStart(2, '0')}`),
  'acrowd',
  'crow',
];

let server: TestServer;
let caller: Member;

beforeAll(async () => {
  server = await startServer();
  // Registers the best matches last, because the order of registration must not matter.
  for (const username of USERNAMES.toReversed()) {
    caller = await server.parley.signUp(username, { name: `The ${username}` });
  }
});

afterAll(() => server.close());

const search = (query: string) => caller.get(`/api/users${query}`);

async function find(text: string): Promise<string[]> {
  const { status, body } = await search(`?username=${encodeURIComponent(text)}`);
  expect(status).toBe(200);
  return body.data.map(({ username }: Json) => username);
}

test('returns only the name and the username', async () => {
  const { body } = await search('?username=underx');
  expect(body).toEqual({
    status: 'success',
    data: [{ name: 'The underxscore', username: 'underxscore' }],
  });
});

test('prefixes come before substrings, and substrings before misspellings', async () => {
  expect(await find('alex')).toEqual(['alex', 'Alexandra', 'xalex', 'alxe']);
});

test('an exact match comes first', async () => {
  expect((await find('crow')).slice(0, 2)).toEqual(['crow', 'crowd00']);
});

test('no user is found twice', async () => {
  for (const text of ['a', 'e', 'al', 'alex', 'o']) {
    const found = await find(text);
    expect(new Set(found).size).toBe(found.length);
  }
});

test.each([
  ['swapped letters at the start', 'laex'],
  ['swapped letters in the middle', 'aelx'],
  ['swapped letters at the end', 'alxe'],
  ['a missing letter', 'aex'],
  ['an extra letter', 'allex'],
  ['an extra letter at the end', 'alexy'],
  ['a wrong letter', 'elex'],
  ['a wrong last letter', 'aleq'],
])('%s still finds alex', async (_, typed) => {
  expect(await find(typed)).toContain('alex');
});

test('a misspelling in a long name is found', async () => {
  expect(await find('alexnadra')).toEqual(['Alexandra']);
});

test('the case does not matter', async () => {
  const expected = await find('alex');
  expect(await find('ALEX')).toEqual(expected);
  expect(await find('AlEx')).toEqual(expected);
  expect(await find('ALEXANDRA')).toEqual(['Alexandra']);
});

test.each(['élo', 'ÉLO', 'E\u0301LO', 'Éｌｏ'])(
  '%j finds Élodie, whatever its Unicode form',
  async (typed) => {
    expect(await find(typed)).toEqual(['Élodie']);
  },
);

test.each([
  ['用', '用户'],
  ['户', '用户'],
  ['lodi', 'Élodie'],
])('%s is found in %s', async (typed, username) => {
  expect(await find(typed)).toContain(username);
});

test('% and _ are ordinary characters', async () => {
  expect(await find('%')).toEqual([]);
  expect(await find('%%%%')).toEqual([]);
  expect(await find('____')).toEqual([]);
  expect(await find('a%')).toEqual([]);
  expect(await find('_')).toEqual(['under_score']);
  expect(await find('der_sc')).toEqual(['under_score']);
  expect((await find('under_score'))[0]).toBe('under_score');
});

test.each(["'", '"', '\\', '*', "' OR 1=1 --", '[a-z]', '?'])('%s is an ordinary character', async (text) => {
  expect(await find(text)).toEqual([]);
});

test('at most 10 are found, prefixes first', async () => {
  const found = await find('crowd');
  expect(found).toHaveLength(10);
  expect(found.every((username) => username.startsWith('crowd'))).toBe(true);
  expect(await find('rowd')).toHaveLength(10);
});

test('a text that is similar to no username finds nothing', async () => {
  for (const text of ['zzzz', 'xyz', '😀', 'alexander-the-great', 'x'.repeat(2000)]) {
    expect(await find(text)).toEqual([]);
  }
});

test('names and emails are not searched', async () => {
  expect(await find('The')).toEqual([]);
  expect(await find('example.com')).toEqual([]);
});

test.each([
  ['missing', ''],
  ['called name', '?name=alex'],
  ['empty', '?username='],
  ['without a value', '?username'],
  ['NUL', '?username=%00'],
  ['text with NUL', '?username=al%00ex'],
  ['given twice', '?username=alex&username=sam'],
])('a parameter that is %s is a bad request', async (_, query) => {
  const { status, body } = await search(query);
  expect(status).toBe(400);
  expect(body.status).toBe('error');
  expect(body.reason).toMatch(/^query parameter 'username' must /);
});

test('checks the token first', async () => {
  for (const query of ['', '?username=alex']) {
    expect(await server.parley.get(`/api/users${query}`)).toMatchObject({
      status: 401,
      body: expect.objectContaining({
        status: 'error',
        reason: "header 'Authorization' must be present",
      }) as unknown,
    });
  }
});

test('a renamed user is found with the new name, and a deleted user is not found', async () => {
  const user = await server.parley.signUp('fleeting');
  await user.put('/api/users/fleeting', { name: 'Renamed' });
  expect((await search('?username=fleet')).body.data).toEqual([{ name: 'Renamed', username: 'fleeting' }]);
  await user.delete('/api/users/fleeting');
  for (const text of ['fleet', 'leeting', 'felting']) expect(await find(text)).toEqual([]);
});
