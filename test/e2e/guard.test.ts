import { ModulesContainer } from '@nestjs/core';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { RequestMethod } from '@nestjs/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ResetPasswordController } from '#src/auth/reset-password.controller.js';
import { TOKEN_KIND } from '#src/tokens/caller.js';
import { expectFailure } from '../support/failure.js';
import { FILE_AND_ROOM_ROUTES, ROUTES, wellFormed } from '../support/routes.js';
import { startServer, type TestServer } from '../support/server.js';

/** The only public routes, apart from the documentation. */
const PUBLIC = [
  'GET /api/auth/forgot-password',
  'POST /api/auth/login',
  'POST /api/auth/resend-verification',
  'POST /api/users',
];

/** The public routes that no limit counts. */
const UNCOUNTED = ['GET /api/health/live', 'GET /api/health/ready'];

/** The page behind the link of a reset mail is public, and is no part of the API or its document. */
const PAGE = 'GET /reset-password';

/** Answers 400 without a token, because its token is a query parameter. */
const VERIFY_EMAIL = 'GET /api/auth/verify-email';

/** Answers preflight requests of browsers, and is an unknown route for others. */
const PREFLIGHT = 'OPTIONS *';

/** The files of the page at `/` are public. */
const isPage = (path: string) => /^\/(index\.html|assets\/[\w-]+\.\w+)?$/.test(path);

const isDocumentation = (path: string) => /^\/api\/docs(-json|-yaml|\/.*)?$/.test(path);

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

interface RegisteredRoute {
  method: string;
  path: string;
  tokenKind?: string;
}

/** Reads the routes from the decorators of the controllers. */
function nestRoutes(): RegisteredRoute[] {
  const controllers = [...server.app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    if (!metatype) return [];
    const prototype = metatype.prototype as Record<string, object>;
    const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
    return names
      .map((name) => prototype[name])
      .filter((handler) => Reflect.hasMetadata(METHOD_METADATA, handler))
      .map((handler) => {
        const parts = [
          metatype === ResetPasswordController ? '' : 'api',
          Reflect.getMetadata(PATH_METADATA, metatype),
          Reflect.getMetadata(PATH_METADATA, handler),
        ];
        return {
          method: RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod],
          path: `/${parts.filter((part) => part && part !== '/').join('/')}`.replaceAll(/\/+/g, '/'),
          tokenKind: Reflect.getMetadata(TOKEN_KIND, handler) ?? Reflect.getMetadata(TOKEN_KIND, metatype),
        };
      });
  });
}

/** Reads the routes that Fastify serves from the tree that it prints. */
function fastifyRoutes(): RegisteredRoute[] {
  const fastify = server.app.getHttpAdapter().getInstance();
  const branch: string[] = [];
  const routes: RegisteredRoute[] = [];
  for (const line of fastify.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent, segment, methods] = /^([│ ]*)[├└]── (\S*?)(?: \((.*)\))?$/.exec(line) ?? [];
    if (indent === undefined) continue;
    branch.length = indent.length / 4;
    branch.push(segment);
    for (const method of methods?.split(', ') ?? []) routes.push({ method, path: branch.join('') });
  }
  return routes.filter((route) => nameOf(route) !== PREFLIGHT && !isPage(route.path));
}

function nameOf({ method, path }: RegisteredRoute): string {
  return `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`;
}

async function documentedRoutes(): Promise<RegisteredRoute[]> {
  const { paths } = (await server.parley.get('/api/docs-json')).body;
  return Object.entries(paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** Calls the routes without a token, and returns those that do not answer 401. */
async function findUnguardedRoutes(routes: RegisteredRoute[]): Promise<string[]> {
  const open = [];
  for (const route of routes) {
    const path = wellFormed(nameOf(route).split(' ')[1]).replace('*', 'index.html');
    const response = await fetch(server.url + path, {
      method: route.method,
      headers: { 'content-type': 'application/json' },
      body: ['POST', 'PUT', 'PATCH'].includes(route.method) ? '{}' : undefined,
    });
    await response.text();
    if (response.status !== 401) open.push(nameOf(route));
  }
  return open.toSorted();
}

/** The contract knows `GET /api/files/` only as an error. */
const NO_FILE = 'GET /api/files';

/** The document describes it in words. Its token may come in the first frame. */
const WEBSOCKET = 'GET /api/ws';
/** Answers 400 without a token, as its reference says. */
const JOIN_ROOM = 'POST /api/join_room';

const namesOf = (routes: RegisteredRoute[]) =>
  routes
    .filter(({ method, path }) => method !== 'HEAD' && !isDocumentation(path))
    .map(nameOf)
    .toSorted();

test('Nest, Fastify and the document have the same routes, which are those of the contract', async () => {
  const ofNest = namesOf(nestRoutes());
  const documented = namesOf(await documentedRoutes());
  expect(namesOf(fastifyRoutes())).toEqual(ofNest);
  expect([...documented, NO_FILE, WEBSOCKET, PAGE].toSorted()).toEqual(ofNest);
  const ofContract = [...ROUTES.map(({ method, path }) => `${method} ${path}`), ...FILE_AND_ROOM_ROUTES];
  expect(documented).toEqual(ofContract.toSorted());
});

test('exactly the expected routes are public', () => {
  const publicRoutes = (kind: string) =>
    nestRoutes()
      .filter(({ tokenKind }) => tokenKind === kind)
      .map(nameOf)
      .toSorted();
  expect(publicRoutes('none')).toEqual([...PUBLIC, PAGE].toSorted());
  expect(publicRoutes('uncounted')).toEqual(UNCOUNTED);
});

test('every documented route that is not public requires a token', async () => {
  expect(await findUnguardedRoutes(await documentedRoutes())).toEqual(
    [...PUBLIC, ...UNCOUNTED, VERIFY_EMAIL, JOIN_ROOM].toSorted(),
  );
});

test('every route of Fastify that is not public requires a token', async () => {
  const routes = fastifyRoutes();
  expect(routes.length).toBeGreaterThan(ROUTES.length);
  const open = await findUnguardedRoutes(routes.filter(({ path }) => !isDocumentation(path)));
  const heads = [...UNCOUNTED, PAGE].map((name) => name.replace('GET', 'HEAD'));
  expect(open).toEqual(
    [...PUBLIC, ...UNCOUNTED, PAGE, ...heads, VERIFY_EMAIL, JOIN_ROOM, WEBSOCKET].toSorted(),
  );
});

/** All other GET routes may have effects, which HEAD must not have. */
const ANSWER_HEAD = ['GET /api/files/{file}', ...UNCOUNTED, PAGE];

test('Fastify serves only the routes of the controllers, some of them with HEAD, and the documentation', () => {
  const known = new Set([
    ...nestRoutes().map(nameOf),
    ...ANSWER_HEAD.map((name) => name.replace('GET', 'HEAD')),
  ]);
  const others = fastifyRoutes().filter((route) => !known.has(nameOf(route)) && !isDocumentation(route.path));
  expect(others).toEqual([]);
});

const guarded = ROUTES.filter(({ token }) => token === 'ApiKey' || token === 'ResetPasswordToken');

test.each(guarded)('$method $path rejects missing and forged tokens', async ({ method, path }) => {
  const call = (token?: string) =>
    server.parley.request(method, wellFormed(path), { token, ...(method === 'GET' ? {} : { json: {} }) });
  expect(expectFailure(await call(), 401)).toBe("header 'Authorization' must be present");
  for (const token of ['nonsense', 'Bearer', 'Bearer a.b.c', 'Basic YWxleDphbGV4']) {
    expect(expectFailure(await call(token), 401)).toMatch(/^invalid token: ./);
  }
});

test.each(ROUTES.filter(({ token }) => token === 'ResetPasswordToken' || token === 'EmailVerificationToken'))(
  '$method $path rejects an authentication token',
  async ({ method, path, token: kind }) => {
    const username = `login-for-${kind}`.toLowerCase();
    const { token } = await server.parley.signUp(username, { email: `${username}@example.com` });
    const answer =
      kind === 'EmailVerificationToken'
        ? await server.parley.get(`${path}?token=${token}`)
        : await server.parley.request(method, path, { token, json: {} });
    expect(expectFailure(answer, 401)).toMatch(/^invalid token: ./);
  },
);

test('verify-email requires a token in the query', async () => {
  expect(expectFailure(await server.parley.get('/api/auth/verify-email'), 400)).toBe(
    "query parameter 'token' must be present",
  );
  expectFailure(await server.parley.get('/api/auth/verify-email?token='), 400);
  expectFailure(await server.parley.get('/api/auth/verify-email?token=nonsense'), 401);
});
