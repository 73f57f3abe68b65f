import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERROR_CODES } from '#src/errors/errors.js';
import {
  type GeneratedRequest,
  makeWorld,
  type Operation,
  operationsOf,
  requestsOf,
} from '../support/generated-requests.js';
import { OpenApiChecker } from '../support/openapi-checker.js';
import type { Json, Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

/** Of all operations together. */
const RUNS = 2_000;

/** Set SEED to send other requests; a failure prints it. */
const SEED = Number(process.env.SEED ?? 1);

let server: TestServer;
let document: Json;
let operations: Operation[];
let names: number;
let checker: OpenApiChecker;

beforeAll(async () => {
  server = await startServer();
  document = (await server.parley.get('/api/docs-json')).body;
  names = 0;
  checker = new OpenApiChecker(document);
  // A form is no JSON, and a download no error.
  operations = operationsOf(document).filter(({ id }) => !['uploadFile', 'downloadFile'].includes(id));
});

afterAll(() => server.close());

const makeNextWorld = () => makeWorld(server.parley, (names += 1));

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

/** The client fails on a status or a body that the document does not have. A body that the document forbids must fail. */
async function check(
  { method, path: route, body: schema }: Operation,
  { path, json }: GeneratedRequest,
  member: Member,
): Promise<void> {
  const { status, body } = await server.parley.request(method, path, { token: member.token, json });
  expect(status, `${method} ${path} ${JSON.stringify(body)}`).toBeLessThan(500);
  if (schema && !checker.allows(method, route, json)) {
    expect(status, `${method} ${path} ${JSON.stringify(json)}`).toBeGreaterThanOrEqual(400);
  }
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
      let { member, known } = await makeNextWorld();
      await fc.assert(
        fc.asyncProperty(change(requestsOf(document, operation, known)), async (request) => {
          await check(operation, request, member);
          if (operation.method === 'DELETE' || operation.path.includes('logout'))
            ({ member, known } = await makeNextWorld());
        }),
        { numRuns: Math.ceil(RUNS / 2 / operations.length), seed: SEED },
      );
    }
  },
  300_000,
);
