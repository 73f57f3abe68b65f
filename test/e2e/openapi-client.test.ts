import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import openapiTS, { astToString } from 'openapi-typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digest } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

const run = promisify(execFile);
const CLIENT = join(import.meta.dirname, '../generated-client');
const STORY = join(CLIENT, 'story.ts');
const bin = (name: string) => join(import.meta.dirname, '../../node_modules/.bin', name);

let server: TestServer;
let folder: string;
let document: string;

beforeAll(async () => {
  server = await startServer();
  folder = mkdtempSync(join(tmpdir(), 'parley-openapi-'));
  document = join(folder, 'openapi.json');
  writeFileSync(document, await (await fetch(`${server.url}/api/docs-json`)).text());
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.close();
});

test('the document passes the recommended rules of Redocly, without warnings', async () => {
  // Redocly does not see references in extensions: `openapi.test.ts` looks for unused schemas.
  const rules = ['--extends=recommended', '--skip-rule=no-unused-components'];
  const { stdout } = await run(bin('redocly'), ['lint', document, '--format=json', ...rules], {
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  const { totals, problems } = JSON.parse(stdout.slice(stdout.indexOf('{')));
  expect({ problems, errors: totals.errors, warnings: totals.warnings }).toEqual({
    problems: [],
    errors: 0,
    warnings: 0,
  });
});

test('a client generated from the document compiles under strict rules and tells a whole story', async () => {
  writeFileSync(join(CLIENT, 'api.d.ts'), astToString(await openapiTS(pathToFileURL(document))));
  const { stdout } = await run(bin('tsc'), ['-p', CLIENT]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');

  // Not named in the import, because the types of the story do not exist before this test.
  const { tellStory } = (await import(/* @vite-ignore */ STORY)) as {
    tellStory: (...of: string[]) => Promise<unknown>;
  };
  expect(await tellStory(server.url, digest('secret'))).toEqual({
    texts: ['', 'second'],
    file: 'notes.txt',
    downloaded: 'some notes',
    edited: 'edited',
    chats: ['Renamed'],
    room: ['sam: hello'],
    codes: ['not_allowed', 'room_not_found', 'token_invalid'],
  });
});
