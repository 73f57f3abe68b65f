import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));

test('every dependency that would run an install script is allowed or refused by name', () => {
  const packages: Record<string, { hasInstallScript?: boolean }> = read('package-lock.json').packages;
  const withScripts = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect(withScripts.toSorted()).toEqual(Object.keys(read('package.json').allowScripts).toSorted());
});
