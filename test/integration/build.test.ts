import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const LONG_AGO = new Date('2020-01-01');
const TIMEOUT_MS = 120_000;

/** A checkout with a small source: a program that loads a module when it is asked to, and prints its value. */
let checkout: string;

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'parley-build-'));
  const kept = ['scripts', 'package.json', 'package-lock.json', 'nest-cli.json', 'tsconfig.json'];
  for (const name of [...kept, 'tsconfig.build.json', 'client/package.json', 'client/tsconfig.json']) {
    cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  mkdirSync(join(checkout, 'src/mail/templates'), { recursive: true });
  writeSource('mail/templates/hello.txt.hbs', 'Hello');
  writeSource('later.ts', `export const value = 'first';\n`);
  writeSource(
    'main.ts',
    `process.stdin.once('data', async () => console.log((await import('./later.js')).value));\n`,
  );
  writeFileSync(join(checkout, 'ormconfig.ts'), 'export default {};\n');
  mkdirSync(join(checkout, 'client/src'));
  writeFileSync(join(checkout, 'client/src/index.ts'), `export const value = 'client';\n`);
  mkdirSync(join(checkout, 'web'));
  writeFileSync(join(checkout, 'web/index.html'), '<!doctype html><title>Page</title>');
  cpSync(join(ROOT, 'web/vite.config.ts'), join(checkout, 'web/vite.config.ts'));
});

afterAll(() => rmSync(checkout, { recursive: true, force: true }));

/** Gives the file an old time, as archives do. */
function writeSource(path: string, content: string): void {
  const file = join(checkout, 'src', path);
  writeFileSync(file, content);
  utimesSync(file, LONG_AGO, LONG_AGO);
}

async function build(): Promise<{ code: number; output: string }> {
  const run = promisify(execFile)(process.execPath, ['scripts/build.mjs'], { cwd: checkout });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  );
}

const start = () =>
  spawn(process.execPath, ['dist/src/main.js'], { cwd: checkout, stdio: ['pipe', 'pipe', 'inherit'] });

/** Has the program load its module, and returns the value. */
async function ask(program: ChildProcess): Promise<string> {
  program.stdin?.end('\n');
  const [answer] = await once(program.stdout!, 'data');
  return String(answer).trim();
}

const current = () => readlinkSync(join(checkout, 'dist'));

const builds = () => readdirSync(join(checkout, '.builds')).toSorted();

test(
  'a build replaces the old one whole, and only when the sources differ',
  async () => {
    expect(await build()).toMatchObject({ code: 0 });
    const first = current();
    expect(readFileSync(join(checkout, 'dist/src/mail/templates/hello.txt.hbs'), 'utf8')).toBe('Hello');
    expect(readFileSync(join(checkout, 'dist/web/index.html'), 'utf8')).toContain('Page');
    expect(await build()).toEqual({ code: 0, output: '' });
    expect(current()).toBe(first);
    expect(readFileSync(join(checkout, 'client/dist/index.js'), 'utf8')).toContain("'client'");

    const running = start();
    writeSource('later.ts', `export const value = 'second';\n`);
    expect(await Promise.all([build(), build()])).toMatchObject([{ code: 0 }, { code: 0 }]);
    const second = current();
    expect(second).not.toBe(first);
    expect(await ask(running)).toBe('first');
    expect(await ask(start())).toBe('second');

    const before = builds();
    writeSource('later.ts', `export const value: number = 'third';\n`);
    const failed = await build();
    expect(failed.code).toBe(1);
    expect(failed.output).toMatch(/TS2322[\s\S]*Parley cannot be built/);
    expect(current()).toBe(second);
    expect(builds()).toEqual(before);
    expect(await ask(start())).toBe('second');
  },
  TIMEOUT_MS,
);

test(
  'a build replaces a folder `dist` that was there before, and removes builds that are old and many',
  async () => {
    for (const name of ['dist', '.builds']) rmSync(join(checkout, name), { recursive: true, force: true });
    mkdirSync(join(checkout, 'dist/src'), { recursive: true });
    writeFileSync(join(checkout, 'dist/src/main.js'), 'made by hand');
    for (let number = 10; number < 30; number += 1) {
      const folder = join(checkout, '.builds', `2020-${number}`);
      mkdirSync(folder, { recursive: true });
      if (number !== 10) utimesSync(folder, LONG_AGO, LONG_AGO);
    }
    writeSource('later.ts', `export const value = 'again';\n`);
    expect(await build()).toMatchObject({ code: 0 });
    expect(await ask(start())).toBe('again');
    // The one of the last day, and the ten newest: the current one, the former folder, and eight more.
    expect(builds()).toHaveLength(11);
    expect(builds()).toContain('2020-10');
    expect(builds()).not.toContain('2020-21');
    expect(builds()).toContain('2020-22');
  },
  TIMEOUT_MS,
);

test('an older Node is told so in one line', () => {
  const run = (version: string) => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
    const script = `${pretend} require('./scripts/check-start.cjs')`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return [status, stdout, stderr.replace(process.version, 'vX')];
  };
  const message = 'Parley needs Node.js 20.19 or newer, and this is vX.\n';
  for (const version of ['8.17.0', '18.20.8', '20.18.3']) expect(run(version)).toEqual([1, '', message]);
  for (const version of ['20.19.0', '22.0.0', '24.1.0']) expect(run(version)).toEqual([0, '', '']);
  for (const [name, command] of Object.entries(scripts)) {
    if (/^(lint|format)/.test(name)) continue;
    expect(command, name).toMatch(/^(exec )?node -r \.\/scripts\/check-start\.cjs /);
  }
  expect(readFileSync(join(ROOT, 'scripts/check-start.cjs'), 'utf8')).not.toMatch(
    /\b(const|let|import)\b|=>|`/,
  );
});

test('a missing build is told in one line', () => {
  for (const command of ['start:prod', 'backup', 'restore']) {
    rmSync(join(checkout, 'dist'), { recursive: true, force: true });
    const run = spawnSync('npm', ['run', '--silent', command], { cwd: checkout, encoding: 'utf8' });
    expect([run.status, run.stdout, run.stderr]).toEqual([
      1,
      '',
      'Parley is not built: run "npm run build" first.\n',
    ]);
  }
});
