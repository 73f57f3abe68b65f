import { join } from 'node:path';
import { build, type Rolldown } from 'vite';

/** Returns the client as a minified script for browsers, which sets `parley`. */
export async function bundleClient(): Promise<string> {
  const entry = join(import.meta.dirname, '../../client/dist/index.js');
  const [{ output }] = (await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: true, lib: { entry, formats: ['iife'], name: 'parley' } },
  })) as Rolldown.RolldownOutput[];
  if (output.length !== 1) throw new Error('the client is more than one file');
  return output[0].code;
}
