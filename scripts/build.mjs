import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Each build has a folder of its own below BUILDS, and `dist` is a link to the current one. Node resolves the link when a
// process starts, so a process keeps the build that it started with: it still loads its hashing threads from there.

const DIST = 'dist';
const BUILDS = '.builds';
/** A file of each build: the hash of what it was made from. */
const FINGERPRINT = 'fingerprint';
const SOURCES = [
  'src',
  'scripts',
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

/** Makes `dist` a build of the present sources. Exits with 1, and keeps the old build, if that fails. */
export function build(config = 'tsconfig.build.json') {
  const fingerprint = fingerprintOf(config);
  if (readFingerprint() === fingerprint) return;

  const name = `${new Date().toISOString().replaceAll(/\D/g, '')}-${process.pid}`;
  const folder = join(BUILDS, name);
  mkdirSync(BUILDS, { recursive: true });
  try {
    compile(config, name);
    writeFileSync(join(folder, FINGERPRINT), fingerprint);
    publish(name);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
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

function compile(config, name) {
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const tsconfig = join(BUILDS, `${name}.json`);
  const options = { extends: join('..', config), compilerOptions: { outDir: name } };
  writeFileSync(tsconfig, JSON.stringify(options));
  const { status } = spawnSync(process.execPath, [nest, 'build', '--path', tsconfig], { stdio: 'inherit' });
  rmSync(tsconfig);
  if (status !== 0) throw new Error('see the errors above');
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

if (import.meta.url === pathToFileURL(process.argv[1]).href) build(process.argv[2]);
