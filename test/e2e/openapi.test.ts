import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodySchemasOf } from '../support/openapi-checker.js';
import { checkErrorBody } from '../support/error-body.js';
import { expectSuccess, type Json, Member } from '../support/parley.js';
import { exchange } from '../support/raw-http.js';
import { ROUTES, ROUTES_WITH_BODY, type Route } from '../support/routes.js';
import { startServer, type TestServer } from '../support/server.js';

const TAGS = ['authentication', 'users', 'chats', 'messages', 'health'];

/** Statuses that any route may have beyond the contract's tables. */
const COMMON_ERRORS = [413, 429, 500, 503];

let server: TestServer;
let document: Json;
let ajv: Ajv2020;
let signedUp = 0;

beforeAll(async () => {
  server = await startServer();
  document = (await server.parley.get('/api/docs-json')).body;
  ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...document, $id: 'parley' });
});

afterAll(() => server.close());

const operationOf = ({ method, path }: Route): Json => document.paths[path]?.[method.toLowerCase()];

/** Compiles a schema of the document, whose references point into the document. */
function validatorOf(schema: Json) {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"parley#');
  return ajv.compile(JSON.parse(text));
}

function expectValid(schema: Json, value: unknown): void {
  const validate = validatorOf(schema);
  expect(validate(value), ajv.errorsText(validate.errors)).toBe(true);
}

/** Returns the examples beside a schema or inside it. */
function examplesOf({ schema, example = schema.example, examples = {} }: Json): unknown[] {
  return [
    ...(example === undefined ? [] : [example]),
    ...Object.values<Json>(examples).map(({ value }) => value),
  ];
}

const variantsOf = (route: Route) =>
  bodySchemasOf(document, operationOf(route).requestBody.content['application/json'].schema);

/** Returns the body that "Try it out" sends: the example of each property. */
function exampleBodyOf(method: Route['method'], path: string): Record<string, Json> {
  const route = ROUTES.find((known) => known.method === method && known.path === path) as Route;
  const [{ properties }] = variantsOf(route);
  return Object.fromEntries(Object.entries<Json>(properties).map(([name, { example }]) => [name, example]));
}

describe('the document', () => {
  test('is OpenAPI 3 with a title and a version', () => {
    expect(document.openapi).toMatch(/^3\./);
    expect(document.info).toMatchObject({ title: expect.stringMatching(/./), version: expect.any(String) });
  });

  test.each(TAGS)('describes the tag %s', (tag) => {
    const { description } = document.tags.find(({ name }: Json) => name === tag);
    expect(description).toMatch(/./);
  });

  test.each(TAGS)("lists the contract's routes of the tag %s, and no others", (tag) => {
    const documented = Object.entries<Json>(document.paths).flatMap(([path, operations]) =>
      Object.entries<Json>(operations)
        .filter(([, { tags }]) => tags?.includes(tag))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    const ofContract = ROUTES.filter((route) => route.tag === tag).map(
      ({ method, path }) => `${method} ${path}`,
    );
    expect(documented.toSorted()).toEqual(ofContract.toSorted());
  });

  test('has the three security schemes', () => {
    const schemes = Object.entries<Json>(document.components.securitySchemes).map(
      ([scheme, { type, in: place, name, description }]) => ({
        scheme,
        type,
        place,
        name,
        told: !!description,
      }),
    );
    const key = { type: 'apiKey', told: true };
    expect(schemes).toEqual([
      { scheme: 'ApiKey', place: 'header', name: 'Authorization', ...key },
      { scheme: 'ResetPasswordToken', place: 'header', name: 'Authorization', ...key },
      { scheme: 'EmailVerificationToken', place: 'query', name: 'token', ...key },
    ]);
  });

  test('has no dangling reference', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    expect(references.length).toBeGreaterThan(0);
    for (const reference of new Set(references)) {
      const target = reference
        .replace(/^#\//, '')
        .split('/')
        .reduce((node: Json, key) => node?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });

  test('has no unused model', () => {
    const text = JSON.stringify(document);
    const unused = Object.keys(document.components.schemas).filter(
      (name) => !text.includes(`"#/components/schemas/${name}"`),
    );
    expect(unused).toEqual([]);
  });

  test('gives each operation a unique id', () => {
    const ids = Object.values<Json>(document.paths).flatMap((operations) =>
      Object.values<Json>(operations).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(['User', 'Chat', 'Message', 'MessagePage', 'File'])(
    'marks all properties of %s as required, except the optional ones',
    (name) => {
      const { required, properties } = document.components.schemas[name];
      const optional = Object.keys(properties).filter((property) => !required.includes(property));
      const known: Record<string, string[]> = {
        MessagePage: ['page'],
        File: ['size', 'contentType'],
        Chat: ['user_count'],
      };
      expect(known[name] ?? []).toEqual(expect.arrayContaining(optional));
    },
  );

  test('gives each property of a success an example', () => {
    const missing = Object.entries<Json>(document.components.schemas)
      .filter(([name]) => !/Error/.test(name))
      .flatMap(([name, { properties = {} }]) =>
        Object.entries<Json>(properties)
          .filter(
            ([, { example, type, $ref, allOf }]) =>
              example === undefined && type !== 'array' && !$ref && !allOf,
          )
          .map(([property]) => `${name}.${property}`),
      );
    expect(missing).toEqual([]);
  });

  test.each([
    ['PUT', '/api/users/{user}', { foo: 1 }, false],
    ['PUT', '/api/users/{user}', { email: 'a..b@x' }, true],
    ['PUT', '/api/chats/{chat}', { foo: 1 }, false],
    ['PUT', '/api/chats/{chat}', { mode: 'add' }, false],
    ['PUT', '/api/chats/{chat}', { name: 'Chat', foo: 1 }, true],
    ['POST', '/api/create_room', { room_name: 'Private', is_private: 1 }, false],
    ['POST', '/api/create_room', { room_name: 'Private', is_private: 1, password: '' }, false],
    ['POST', '/api/create_room', { room_name: 'Private', is_private: 1, password: 'secret' }, true],
    ['POST', '/api/create_room', { room_name: 'Public', is_private: 0, password: '' }, true],
    ['POST', '/api/leave_room', { room_id: 2 ** 53 }, false],
  ] as const)('describes what %s %s does with the body %j', async (method, path, body, isValid) => {
    const { schema } = document.paths[path][method.toLowerCase()].requestBody.content['application/json'];
    expect(validatorOf({ ...schema })(body)).toBe(isValid);
    const user = `user${(signedUp += 1)}`;
    const member = await server.parley.signUp(user);
    const chat = await member.createChat([]);
    const url = path.replace('{user}', user).replace('{chat}', chat);
    const { status } = await server.parley.request(method, url, { token: member.token, json: body });
    expect(status < 400).toBe(isValid);
  });

  test('names no status for liveness that needs the database', async () => {
    const { responses } = document.paths['/api/health/live'].get;
    expect(Object.keys(responses)).toEqual(['200', '400', '500']);
    const [{ body }] = await exchange(server.url, 'GET /api/health/live HTTP/1.1\r\nno header\r\n\r\n');
    const [example] = Object.values<Json>(responses['400'].content['application/json'].examples);
    expect(JSON.parse(body)).toEqual(example.value);
  });

  test('describes the headers of downloads, limits and repeats', () => {
    const headersOf = (method: string, path: string, status: number) =>
      Object.keys(document.paths[path][method].responses[status].headers).toSorted();
    const limit = ['RateLimit', 'RateLimit-Policy'];
    expect(headersOf('get', '/api/files/{file}', 206)).toEqual([
      'Content-Disposition',
      'Content-Range',
      'ETag',
      'x-request-id',
    ]);
    expect(headersOf('post', '/api/users', 200)).toEqual([...limit, 'x-request-id']);
    expect(headersOf('get', '/api/chats', 429)).toEqual([...limit, 'Retry-After', 'x-request-id']);
    expect(headersOf('get', '/api/chats', 503)).toEqual(['Retry-After', 'x-request-id']);
    expect(headersOf('post', '/api/send_room_message', 200)).toEqual([
      'Idempotency-Replayed',
      ...limit,
      'x-request-id',
    ]);
  });

  test('names no format that the validators do not check', () => {
    const formats = [...JSON.stringify(document).matchAll(/"format":"([^"]+)"/g)].map(([, format]) => format);
    expect([...new Set(formats)].toSorted()).toEqual(['binary', 'int64', 'uuid']);
  });

  test('contains no unparsed doc tag', () => {
    const tags = /"description":"[^"]*(@(?:format|example|remarks|type|throws)\b)/g;
    expect([...JSON.stringify(document).matchAll(tags)].map(([, tag]) => tag)).toEqual([]);
  });
});

describe.each(ROUTES)('$method $path', (route) => {
  test('has one tag, a summary, and a security scheme where it needs a token', () => {
    const { tags, summary, security = [] } = operationOf(route);
    expect(tags).toEqual([route.tag]);
    expect(summary).toMatch(/\w+/);
    expect(security).toEqual(route.token === 'none' ? [] : [{ [route.token]: [] }]);
  });

  test('documents the statuses of the contract, and no others', () => {
    const documented = Object.keys(operationOf(route).responses).map(Number);
    expect(documented).toEqual(expect.arrayContaining([...route.statuses, 500]));
    expect([...route.statuses, ...COMMON_ERRORS]).toEqual(expect.arrayContaining(documented));
  });

  test('documents each status with a description, a JSON schema and a valid example', () => {
    for (const [status, { description, content }] of Object.entries<Json>(operationOf(route).responses)) {
      expect(description, status).toMatch(/./);
      const json = content?.['application/json'];
      expect(json?.schema, `schema of ${status}`).toBeDefined();
      const examples = examplesOf(json);
      expect(examples, `examples of ${status}`).not.toEqual([]);
      for (const example of examples) {
        expectValid(json.schema, example);
        if (status !== '200') checkErrorBody(Number(status), JSON.parse(JSON.stringify(example)));
      }
    }
  });

  test('documents each parameter with a schema, and a valid example if there is one', () => {
    const { parameters = [] } = operationOf(route);
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const documented = parameters.filter((parameter: Json) => parameter.in === 'path');
    expect(documented.map(({ name }: Json) => name).toSorted()).toEqual(inPath.toSorted());
    for (const { name, description, required, schema, example, ...rest } of parameters) {
      expect(description, name).toMatch(/./);
      if (rest.in === 'path') expect(required).toBe(true);
      const shown = example ?? schema.example;
      // `before` and `after` have no example, because Swagger UI would send both, which is an error.
      if (shown !== undefined) expectValid(schema, shown);
    }
  });
});

describe.each(ROUTES_WITH_BODY)('the body of $method $path', (route) => {
  test('is required and only JSON', () => {
    const { requestBody } = operationOf(route);
    expect(requestBody.required).toBe(true);
    expect(Object.keys(requestBody.content)).toEqual(['application/json']);
  });

  test('has a description and a valid example for each property', () => {
    const properties = variantsOf(route).flatMap((variant) => Object.entries<Json>(variant.properties));
    expect(properties).not.toEqual([]);
    for (const [name, property] of properties) {
      expect(property.description, name).toMatch(/./);
      expect(property.example, name).toBeDefined();
      expectValid(property, property.example);
    }
  });
});

test('no other route has a body', () => {
  const others = ROUTES.filter((route) => !ROUTES_WITH_BODY.includes(route));
  expect(others.filter((route) => operationOf(route).requestBody)).toEqual([]);
});

describe('the examples, sent unchanged,', () => {
  let alex: Member;
  let chat: string;

  beforeAll(async () => {
    const { parley } = server;
    expectSuccess(await parley.post('/api/users', exampleBodyOf('POST', '/api/users')));
    const credentials = exampleBodyOf('POST', '/api/auth/login');
    const { token } = expectSuccess(await parley.post('/api/auth/login', credentials)).data;
    alex = new Member(parley, 'alex', 'Alex', 'a@el.x', credentials.password, token);
    chat = expectSuccess(await alex.post('/api/chats', exampleBodyOf('POST', '/api/chats'))).data.uuid;
  });

  test('create a chat for the user of the examples', async () => {
    const { users, messages } = await alex.describeChat(chat);
    expect(users).toEqual([{ name: 'Alex', username: 'alex' }]);
    expect(messages[0].message).toBe(exampleBodyOf('POST', '/api/chats').message);
  });

  test('send a message and edit it', async () => {
    const path = '/api/chats/{chat}/messages';
    const { data } = expectSuccess(
      await alex.post(`/api/chats/${chat}/messages`, exampleBodyOf('POST', path)),
    );
    const message = `/api/chats/${chat}/messages/${data.index}`;
    expectSuccess(await alex.put(message, exampleBodyOf('PUT', `${path}/{message}`)));
    expect((await alex.get(message)).body.message).toBe(exampleBodyOf('PUT', `${path}/{message}`).message);
  });

  test('find and describe the user', async () => {
    const parameters = operationOf({ method: 'GET', path: '/api/users' } as Route).parameters;
    const { example, schema } = parameters.find(({ name }: Json) => name === 'username');
    const { data } = expectSuccess(await alex.get(`/api/users?username=${example ?? schema.example}`));
    expect(data).toEqual([{ name: 'Alex', username: 'alex' }]);
  });

  test('rename a chat and add its user', async () => {
    const robin = await server.parley.signUp('robin');
    const robins = await robin.createChat([]);
    const body = exampleBodyOf('PUT', '/api/chats/{chat}');
    expectSuccess(await robin.put(`/api/chats/${robins}`, body));
    const { name, users } = await alex.describeChat(robins);
    expect({ name, users: users.length }).toEqual({ name: body.name, users: 2 });
  });

  test('ask for a new password and set it', async () => {
    const parameters = operationOf({ method: 'GET', path: '/api/auth/forgot-password' } as Route).parameters;
    const { example, schema } = parameters.find(({ name }: Json) => name === 'username');
    expectSuccess(await server.parley.get(`/api/auth/forgot-password?username=${example ?? schema.example}`));
    const reset = await server.mailbox.waitForToken('a@el.x', /reset/i);
    const body = exampleBodyOf('POST', '/api/auth/reset-password');
    expectSuccess(await server.parley.post('/api/auth/reset-password', body, { token: reset }));
  });

  test('update the user', async () => {
    const body = exampleBodyOf('PUT', '/api/users/{user}');
    expectSuccess(await alex.put('/api/users/alex', body));
    const { data } = expectSuccess(await alex.get('/api/users/alex'));
    expect(data).toEqual({ name: body.name, username: 'alex', email: body.email, verified: false });
    expect(await server.parley.login('alex', body.password)).toMatch(/^eyJ/);
  });
});

describe('the documentation', () => {
  test('has a page for people', async () => {
    for (const path of ['/api/docs', '/api/docs/']) {
      const { status, headers, body } = await server.parley.get(path);
      expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
      expect(body).toContain('swagger-ui');
    }
  });

  test('loads its scripts and styles from the server itself', async () => {
    const { body } = await server.parley.get('/api/docs');
    const links = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const url = new URL(link, `${server.url}/api/docs`);
      expect(url.origin).toBe(server.url);
      const response = await fetch(url);
      expect([response.status, (await response.text()).length > 0], link).toEqual([200, true]);
    }
  });

  test('has a document for programs', async () => {
    const { status, headers, body } = await server.parley.get('/api/docs-json');
    expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    expect(body.paths).toBeDefined();
  });

  test('names no host, so that "Try it out" uses the URL of the page', () => {
    for (const { url } of document.servers ?? []) expect(url).not.toMatch(/^https?:/);
  });
});
