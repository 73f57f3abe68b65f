import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';

const README = join(import.meta.dirname, '../../README.md');
const text = readFileSync(README, 'utf8');
const [, tour] = /^## A tour [^\n]*\n([\s\S]*?)\n## /m.exec(text) ?? [];
const script = Array.from(tour.matchAll(/^```sh\n([\s\S]*?)^```/gm), ([, block]) => block).join('');

/** Interactive shells, which treat `#` and `!` in other ways than scripts do. */
const SHELLS = { bash: ['--norc', '--noprofile', '-is'], zsh: ['-fis'] };

const exists = (shell: string) => !spawnSync(shell, ['-c', 'true']).error;

test('the README has at most 150 lines', () => {
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

test.each(Object.entries(SHELLS).filter(([shell]) => exists(shell)))(
  'the tour of the README pastes into %s, and every call succeeds',
  async (shell, options) => {
    const database = await createTestDatabase();
    const server = await ServerProcess.start(database);
    try {
      const [, password] = /^PASSWORD=(.*)$/m.exec(script) ?? [];
      expect(await (await fetch(`${server.url}/api/docs-json`)).text()).toContain(`"example":"${password}"`);
      copyFileSync(README, join(database.dataDir, 'README.md'));
      const { stdout, stderr } = spawnSync(shell, options, {
        cwd: database.dataDir,
        // Each call's answer ends its line, and curl draws no progress.
        input: script.replace('http://127.0.0.1:3000', server.url).replaceAll(/^curl /gm, `curl -sw '\\n' `),
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: database.dataDir },
      });
      const answers = stdout.split('\n').filter((line) => line.startsWith('{'));
      expect(answers).toHaveLength(script.match(/^curl (?!.* -o )/gm)?.length ?? 0);
      expect(answers.filter((line) => /"(status":"error|error)"/.test(line))).toEqual([]);
      expect(stdout).toMatch(/^http:\S+\/reset-password\?token=eyJ[\w-]+\.[\w-]+\.[\w-]+$/m);
      expect(stderr).not.toMatch(/not found|no matches|error/i);
      expect(readFileSync(join(database.dataDir, 'data/notes.txt'), 'utf8')).toBe(text);
    } finally {
      await server.end('SIGKILL');
      await database.drop();
    }
  },
);
