import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';

// Writes the OpenAPI document of the build, and the types that follow from it, for the client.

const { createApp } = await import('../dist/src/create-app.js');
const { readSettings } = await import('../dist/src/config/settings.js');

const dataDir = mkdtempSync(join(tmpdir(), 'parley-openapi-'));
const app = await createApp(readSettings({ DATA_DIR: dataDir, LOG_LEVEL: 'silent' }));
try {
  await app.listen(0, '127.0.0.1');
  const document = await (await fetch(`${await app.getUrl()}/api/docs-json`)).json();
  writeFileSync('client/openapi.json', `${JSON.stringify(document, undefined, 2)}\n`);
  const types = astToString(await openapiTS(document));
  writeFileSync('client/src/api.ts', `// Made from openapi.json by \`npm run openapi\`.\n\n${types}`);
} finally {
  await app.close();
  rmSync(dataDir, { recursive: true, force: true });
}
