import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve as resolvePath } from 'node:path';
import { pathToFileURL } from 'node:url';

// Each build has a folder of its own below BUILDS, and `dist` is a link to the current one. Node resolves the link when a
// process starts, so a process keeps the build that it started with: it still loads its hashing threads from there.

const DIST = 'dist';
/** The build of the client package, which no server runs from. */
const CLIENT_DIST = 'client/dist';
const BUILDS = '.builds';
/** A file of each build: the hash of what it was made from. */
const FINGERPRINT = 'fingerprint';
const SOURCES = [
  'src',
  'scripts',
  'client/src',
  'client/package.json',
  'client/tsconfig.json',
  'web',
  'ormconfig.ts',
  'tsconfig.json',
  'tsconfig.build.json',
  'nest-cli.json',
  'package.json',
  'package-lock.json',
];
/** Old builds stay for processes that still run: those of the last day, and at least this many. */
const KEPT_BUILDS = 10;
const DAY_MS = 86_400_000;

/** Makes `dist` and `client/dist` a build of the present sources. Exits with 1, and keeps the old build, if that fails. */
export async function build(config = 'tsconfig.build.json') {
  const fingerprint = fingerprintOf(config);
  if (readFingerprint() === fingerprint && existsSync(CLIENT_DIST)) return;

  const name = `${new Date().toISOString().replaceAll(/\D/g, '')}-${process.pid}`;
  const folder = join(BUILDS, name);
  mkdirSync(BUILDS, { recursive: true });
  try {
    const made = await Promise.allSettled([compile(config, name), buildClientAndPage(name)]);
    for (const { reason } of made) if (reason) throw reason;
    renameSync(pageFolder(name), join(folder, 'web'));
    publishClient(name);
    writeFileSync(join(folder, FINGERPRINT), fingerprint);
    publish(name);
  } catch (error) {
    for (const path of [folder, clientFolder(name), pageFolder(name)])
      rmSync(path, { recursive: true, force: true });
    process.stderr.write(`Parley cannot be built: ${error.message}\n`);
    process.exit(1);
  }
  removeOldBuilds();
}

/** Hashes the contents, not the times, because unpacking an archive or `git checkout` may set older ones. */
function fingerprintOf(config) {
  const hash = createHash('sha256');
  const sources = dirname(config) === '.' ? SOURCES : [...SOURCES, dirname(config)];
  for (const file of sources.flatMap(filesBelow)) {
    const content = readFileSync(file);
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .toSorted()
    .flatMap((name) => filesBelow(join(path, name)));
}

function readFingerprint() {
  const file = join(DIST, FINGERPRINT);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

const { resolve } = createRequire(import.meta.url);

async function compile(config, name) {
  const tsconfig = join(BUILDS, `${name}.json`);
  const options = { extends: join('..', config), compilerOptions: { outDir: name } };
  writeFileSync(tsconfig, JSON.stringify(options));
  await run(resolve('@nestjs/cli/bin/nest.js'), 'build', '--path', tsconfig).finally(() => rmSync(tsconfig));
}

const clientFolder = (name) => join(BUILDS, `${name}.client`);

/** Beside the build, whose folder `nest build` empties. */
const pageFolder = (name) => join(BUILDS, `${name}.page`);

function compileClient(name) {
  return run(resolve('typescript/bin/tsc'), '--project', 'client', '--outDir', clientFolder(name));
}

/** The page contains the client of the same build. */
async function buildClientAndPage(name) {
  await compileClient(name);
  process.env.CLIENT_FOLDER = resolvePath(clientFolder(name));
  const vite = join(dirname(resolve('vite/package.json')), 'bin/vite.js');
  await run(
    vite,
    'build',
    'web',
    '--outDir',
    resolvePath(pageFolder(name)),
    '--emptyOutDir',
    '--logLevel',
    'warn',
  );
}

async function run(script, ...args) {
  const [code] = await once(spawn(process.execPath, [script, ...args], { stdio: 'inherit' }), 'exit');
  if (code !== 0) throw new Error('see the errors above');
}

/** A folder and not a link, because `npm pack` packs no links. */
function publishClient(name) {
  const folder = clientFolder(name);
  for (;;) {
    rmSync(CLIENT_DIST, { recursive: true, force: true });
    try {
      renameSync(folder, CLIENT_DIST);
      return;
    } catch (error) {
      // Another build has put its own there meanwhile.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
  }
}

/** Points `dist` to the build, atomically. */
function publish(name) {
  const link = join(BUILDS, `${name}.link`);
  symlinkSync(join(BUILDS, name), link, 'junction');
  // `nest build` makes `dist` a folder.
  if (lstatSync(DIST, { throwIfNoEntry: false })?.isDirectory())
    renameSync(DIST, join(BUILDS, `${name}.replaced`));
  renameSync(link, DIST);
}

function removeOldBuilds() {
  const builds = readdirSync(BUILDS).toSorted();
  for (const name of builds.slice(0, -KEPT_BUILDS)) {
    const folder = join(BUILDS, name);
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs < Date.now() - DAY_MS) rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await build(process.argv[2]);
