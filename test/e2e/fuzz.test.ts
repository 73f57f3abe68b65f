import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectFailure } from '../support/failure.js';
import { type Answer, digest, type Json, type Member } from '../support/parley.js';
import { bodySchemasOf } from '../support/openapi-checker.js';
import { ROUTES, ROUTES_WITH_BODY, type Route } from '../support/routes.js';
import { startServer, type TestServer } from '../support/server.js';

const NESTED = JSON.parse('['.repeat(30) + ']'.repeat(30)) as unknown;

const HOSTILE_VALUES: [string, unknown][] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['a number', 5],
  ['zero', 0],
  ['a negative number', -1],
  ['a fraction', 0.1],
  ['a very large number', 1e308],
  ['an integer beyond 2^53 - 1', 2 ** 53],
  ['an empty string', ''],
  ['a space', ' '],
  ['a zero-width space', '\u200b'],
  ['a line break', '\r\n'],
  ['NUL', '\0'],
  ['a text with NUL', 'a\0b'],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate', 'a\udc00b'],
  ['300 emoji', '😀'.repeat(300)],
  ['an emoji of several code points', '👨‍👩‍👧‍👦'],
  ['200 combining accents', `a${'\u0301'.repeat(200)}`],
  ['letters that NFKC expands', 'ﷺ'.repeat(64)],
  ['right-to-left override', '\u202eevil'],
  ['SQL', `'; DROP TABLE users; --`],
  ['a wildcard', '%_'],
  ['a path', '../../etc/passwd'],
  ['a template', '{{constructor}}${7*7}'],
  ['a header', 'a\r\nBcc: b@c.d'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['an object', {}],
  ['an object that looks like a string', { length: 3, toString: 'x' }],
  ['an empty list', []],
  ['a list', ['a', 'b']],
  ['a list of mixed types', [null, 5, {}, [], '\0']],
  ['30 nested lists', NESTED],
  ['a long list', Array.from({ length: 5000 }, (_, index) => `user${index}`)],
  ['a string of 200,000 letters', 'x'.repeat(200_000)],
  ['100,000 combining accents', '\u0301'.repeat(100_000)],
];

const HOSTILE_TEXTS: [string, string][] = [
  ['nothing', ''],
  ['a space', '%20'],
  ['NUL', '%00'],
  ['a text with NUL', 'a%00b'],
  ['a lone surrogate', '%ED%A0%80'],
  ['bytes that are not UTF-8', '%ff%fe'],
  ['a percent sign', '%'],
  ['300 emoji', encodeURIComponent('😀'.repeat(300))],
  ['200 combining accents', encodeURIComponent(`a${'\u0301'.repeat(200)}`)],
  ['a minus sign', '-1'],
  ['minus zero', '-0'],
  ['a leading zero', '01'],
  ['a plus sign', '+1'],
  ['an exponent', '1e3'],
  ['a fraction', '1.0'],
  ['hexadecimal', '0x10'],
  ['digits of another script', encodeURIComponent('١٢')],
  ['an integer beyond 2^53', '9007199254740992'],
  ['an integer beyond 2^64', '18446744073709551616'],
  ['a very long integer', '9'.repeat(400)],
  ['infinity', 'Infinity'],
  ['NaN', 'NaN'],
  ['null', 'null'],
  ['SQL', encodeURIComponent(`' OR 1=1; --`)],
  ['a wildcard', '%25_'],
  ['a path', '..%2f..%2fetc%2fpasswd'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['JSON', encodeURIComponent('{"$ne":null}')],
  ['4,000 letters', 'x'.repeat(4000)],
];

let server: TestServer;
let document: Json;
let alex: Member;
let chat: string;
let resetToken: string;

beforeAll(async () => {
  server = await startServer();
  document = (await server.parley.get('/api/docs-json')).body;
  alex = await server.parley.signUp('alex');
  const sam = await server.parley.signUp('sam');
  chat = await alex.createChat([sam]);
  await server.parley.get('/api/auth/forgot-password?username=alex');
  resetToken = await server.mailbox.waitForToken(alex.email, /reset/i);
});

afterAll(() => server.close());

const pathOf = ({ path }: Route) =>
  path.replace('{chat}', chat).replace('{message}', '0').replace('{user}', alex.username);

const tokenOf = ({ token }: Route) => (token === 'ResetPasswordToken' ? resetToken : alex.token);

/** Returns a body that the route accepts apart from `field`, made of the document's examples. */
function bodyAround(route: Route, field: string): Record<string, unknown> {
  const { properties } = variantsOf(route).find((variant) => field in variant.properties);
  const examples = Object.entries<Json>(properties).map(([name, { example }]) => [name, example]);
  const body = Object.fromEntries(examples) as Record<string, unknown>;
  // `mode` and `user` must be sent together, and adding a user a second time is an error.
  if ('mode' in body && field === 'name') return { name: body.name };
  if ('mode' in body) return { mode: 'delete', user: 'nobody' };
  return body;
}

function fieldsOf(route: Route): string[] {
  return [...new Set(variantsOf(route).flatMap(({ properties }) => Object.keys(properties)))];
}

const variantsOf = (route: Route) =>
  bodySchemasOf(document, operationOf(route).requestBody.content['application/json'].schema);

const operationOf = ({ method, path }: Route): Json => document.paths[path][method.toLowerCase()];

/** Expects success or an error of the client in the dialect; the reason of a 400 must match. */
function expectClientError(answer: Answer, reasonPattern: RegExp): void {
  if (answer.status === 200) return;
  const reason = expectFailure(answer, [400, 401, 403, 409, 413]);
  if (answer.status === 400) expect(reason.slice(0, 1000)).toMatch(reasonPattern);
}

describe.each(ROUTES_WITH_BODY)('$method $path', (route) => {
  test.each(HOSTILE_VALUES)('names the field that has %s', async (_, value) => {
    for (const field of fieldsOf(route)) {
      const body = { ...bodyAround(route, field), [field]: value };
      const answer = await server.parley.request(route.method, pathOf(route), {
        token: tokenOf(route),
        json: body,
      });
      // The reference words an unknown username as: user 'test' does not exist.
      expectClientError(answer, new RegExp(`^field '${field}' |^users? '`));
    }
  });

  test('names the first missing field', async () => {
    for (const field of fieldsOf(route)) {
      const { [field]: _, ...body } = bodyAround(route, field);
      const answer = await server.parley.request(route.method, pathOf(route), {
        token: tokenOf(route),
        json: body,
      });
      expectClientError(answer, new RegExp(`'${field}'`));
    }
  });
});

const parametersOf = (place: 'path' | 'query') => (route: Route) =>
  (operationOf(route).parameters ?? [])
    .filter((parameter: Json) => parameter.in === place)
    .map((parameter: Json) => parameter.name as string);

describe.each(ROUTES.filter(({ path }) => path.includes('{')))('$method $path', (route) => {
  test.each(HOSTILE_TEXTS)('accepts or rejects %s in its path', async (_, text) => {
    for (const name of parametersOf('path')(route)) {
      const path = route.path.replace(`{${name}}`, text);
      const json = route.method === 'GET' || route.method === 'DELETE' ? undefined : {};
      const answer = await server.parley.request(route.method, pathOf({ ...route, path }), {
        token: alex.token,
        json,
      });
      // Without the parameter the path belongs to another route, or to none.
      if (text === '' && answer.status === 404) continue;
      expectClientError(answer, /path parameter '\w+'|request path|^users? '|'name'|does not exist$/);
    }
  });
});

const WITH_QUERY: [Route['method'], string, string[]][] = [
  ['GET', '/api/auth/forgot-password', ['username']],
  ['GET', '/api/auth/verify-email', ['token']],
  ['GET', '/api/users', ['username']],
  ['GET', '/api/chats/{chat}/messages', ['page', 'per_page', 'before', 'after', 'order']],
];

describe.each(WITH_QUERY)('%s %s', (method, path, parameters) => {
  const route = ROUTES.find((known) => known.method === method && known.path === path) as Route;

  test('has the query parameters that are tested here', () => {
    expect(parametersOf('query')(route).toSorted()).toEqual(parameters.toSorted());
  });

  test.each(HOSTILE_TEXTS)('names the query parameter that has %s', async (_, text) => {
    for (const name of parameters) {
      for (const query of [`${name}=${text}`, `${name}=${text}&${name}=${text}`, `${name}[]=${text}`]) {
        const token = route.token === 'ApiKey' ? alex.token : undefined;
        const answer = await server.parley.get(`${pathOf(route)}?${query}`, { token });
        expectClientError(answer, new RegExp(`^query parameter '${name}' `));
      }
    }
  });
});

test('afterwards users, chats and logins are unchanged', async () => {
  expect((await alex.get(`/api/users/${alex.username}`)).body.data.username).toBe('alex');
  expect((await alex.describeChat(chat)).users.map(({ username }: Json) => username)).toEqual([
    'alex',
    'sam',
  ]);
  expect(await server.parley.login('sam', digest('password of sam'))).toMatch(/^eyJ/);
});
