import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { expect, test } from 'vitest';
import type { Json } from '../support/parley.js';
import { startServer } from '../support/server.js';

const CLIENT = join(import.meta.dirname, '../../client');

test('the document and the types of the client are those of the server: run `npm run openapi`', async () => {
  const server = await startServer();
  try {
    const document: Json = await (await fetch(`${server.url}/api/docs-json`)).json();
    expect(JSON.parse(readFileSync(join(CLIENT, 'openapi.json'), 'utf8'))).toEqual(document);
    const types = readFileSync(join(CLIENT, 'src/api.ts'), 'utf8');
    expect(types.endsWith(astToString(await openapiTS(document)))).toBe(true);
  } finally {
    await server.close();
  }
});
