import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERROR_CODES } from '#src/errors/errors.js';
import { valuesOf } from '../support/arbitraries.js';
import type { Json, Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

/** Of all operations together. */
const RUNS = 2_000;

/** Set SEED to send other requests; a failure prints it. */
const SEED = Number(process.env.SEED ?? 1);

interface Operation {
  method: string;
  path: string;
  parameters: Json[];
  body?: Json;
}

interface GeneratedRequest {
  path: string;
  json?: unknown;
}

let server: TestServer;
let document: Json;
let operations: Operation[];
let names: number;

beforeAll(async () => {
  server = await startServer();
  document = (await server.parley.get('/api/docs-json')).body;
  names = 0;
  operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods)
      // A form is no JSON, and a download no error.
      .filter(([, { operationId }]) => !['uploadFile', 'downloadFile'].includes(operationId))
      .map(([method, { parameters = [], requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        parameters,
        body: requestBody?.content['application/json'].schema,
      })),
  );
});

afterAll(() => server.close());

/** A user with a chat and a room, since many requests need what exists, and others delete it. */
async function makeWorld(): Promise<{ member: Member; known: Record<string, string> }> {
  const member = await server.parley.signUp(`user${(names += 1)}`);
  const chat = await member.createChat([]);
  const { body } = await member.post('/api/create_room', { room_name: `Room ${names}` });
  return { member, known: { user: member.username, chat, message: '0', room_id: String(body.room_id) } };
}

/** Returns values for the parameters in a place: what exists, where there is something, or anything of the right form. */
function parametersOf({ parameters }: Operation, place: 'path' | 'query', known: Record<string, string>) {
  const here = parameters.filter((parameter) => parameter.in === place);
  const values = here.map(({ name, schema }): [string, fc.Arbitrary<unknown>] => {
    const any = valuesOf(document, schema);
    return [name, name in known ? fc.oneof(fc.constant(known[name]), any) : any];
  });
  const required = here.filter((parameter) => parameter.required).map(({ name }) => name as string);
  return fc
    .record<Record<string, unknown>>(Object.fromEntries(values), { requiredKeys: required })
    .map((record) =>
      Object.entries(record).map(([name, value]) => [name, String(value)] satisfies [string, string]),
    );
}

function requestsOf(operation: Operation, known: Record<string, string>): fc.Arbitrary<GeneratedRequest> {
  const { path, body } = operation;
  const json = body ? valuesOf(document, body) : fc.constant(undefined);
  const parts = fc.tuple(parametersOf(operation, 'path', known), parametersOf(operation, 'query', {}), json);
  return parts.map(([inPath, query, value]) => {
    const filled = inPath.reduce(
      (url, [name, text]) => url.replace(`{${name}}`, encodeURIComponent(text)),
      path,
    );
    return {
      path: query.length > 0 ? `${filled}?${new URLSearchParams(query).toString()}` : filled,
      json: value,
    };
  });
}

const HOSTILE = fc.oneof(
  fc.constantFrom(null, true, -1, 1e308, '', '\0', '\ud800', [], {}, [[]], '__proto__', 'x'.repeat(20_000)),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Breaks a request in one field, or adds a parameter. */
function mutationsOf(requests: fc.Arbitrary<GeneratedRequest>): fc.Arbitrary<GeneratedRequest> {
  return fc.tuple(requests, HOSTILE, fc.nat()).map(([request, value, place]) => {
    const fields = Object.keys(request.json ?? {});
    if (fields.length > 0) {
      return { ...request, json: { ...(request.json as object), [fields[place % fields.length]]: value } };
    }
    const parameter = new URLSearchParams({ page: JSON.stringify(value).slice(0, 1_000) });
    return {
      ...request,
      path: `${request.path}${request.path.includes('?') ? '&' : '?'}${parameter.toString()}`,
    };
  });
}

/** The client fails on a status or a body that the document does not have. */
async function check({ method }: Operation, { path, json }: GeneratedRequest, member: Member): Promise<void> {
  const { status, body } = await server.parley.request(method, path, { token: member.token, json });
  expect(status, `${method} ${path} ${JSON.stringify(body)}`).toBeLessThan(500);
  if (status >= 400) expect(ERROR_CODES).toContain(body.code);
}

test.each([
  [
    'generated from the document succeed or fail with a documented code',
    (all: fc.Arbitrary<GeneratedRequest>) => all,
  ],
  ['broken in one place fail with a documented code, or are harmless', mutationsOf],
])(
  'requests %s',
  async (_, change) => {
    for (const operation of operations) {
      let { member, known } = await makeWorld();
      await fc.assert(
        fc.asyncProperty(change(requestsOf(operation, known)), async (request) => {
          await check(operation, request, member);
          if (operation.method === 'DELETE' || operation.path.includes('logout'))
            ({ member, known } = await makeWorld());
        }),
        { numRuns: Math.ceil(RUNS / 2 / operations.length), seed: SEED },
      );
    }
  },
  300_000,
);
