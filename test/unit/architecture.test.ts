import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');

/** Folders that contain no product logic. */
const BLOCKS = ['config', 'database', 'errors', 'helpers', 'http', 'passwords', 'scheduling'];

/** What every feature may import: a call's token, its limits, its line in the security log, and removals. */
const BASE = [...BLOCKS, 'audit', 'limits', 'removals', 'tokens'];

/** The folders that each folder of `src` may import. A folder imports only folders listed above it. */
const ALLOWED: Record<string, string[]> = {
  config: [],
  helpers: [],
  errors: [],
  scheduling: [],
  database: ['config', 'helpers'],
  passwords: ['config', 'database', 'errors'],
  http: ['config', 'database', 'errors', 'helpers'],
  audit: ['config', 'http'],
  limits: [...BLOCKS, 'audit'],
  removals: ['database', 'helpers', 'scheduling'],
  idempotency: [...BLOCKS, 'removals'],
  tokens: [...BLOCKS, 'audit', 'limits', 'removals'],
  changes: [...BLOCKS],
  mail: [...BASE],
  users: [...BASE, 'mail'],
  auth: [...BASE, 'mail', 'users'],
  membership: [...BASE, 'changes'],
  files: [...BASE, 'membership'],
  messages: [...BASE, 'idempotency', 'users', 'membership', 'files'],
  chats: [...BASE, 'changes', 'idempotency', 'users', 'membership', 'files', 'messages'],
  rooms: [...BASE, 'idempotency', 'users', 'membership', 'messages', 'chats'],
  live: [...BASE, 'changes', 'idempotency', 'users', 'membership', 'messages', 'chats'],
  relay: ['config', 'database'],
  health: [...BASE, 'files', 'relay'],
  metrics: ['config', 'database', 'health', 'helpers', 'limits', 'live', 'mail', 'passwords'],
  web: ['config', 'http'],
  backup: ['config', 'database', 'files'],
  admin: [...BASE, 'mail', 'users', 'membership', 'messages', 'chats'],
};

/** Stands for the files directly in `src`, which may import every folder. */
const TOP = '.';

interface SourceFile {
  /** Relative to `src`. */
  path: string;
  folder: string;
  text: string;
  /** Imported project files, relative to `src`. */
  imports: string[];
}

const files: SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const imports = ts
      .preProcessFile(text, true, true)
      .importedFiles.map(({ fileName }) => fileName)
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(SRC, resolve(SRC, dirname(path), name)).replace(/\.js$/, '.ts'));
    return { path, folder: folderOf(path), text, imports };
  });

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : TOP;
}

/** Returns the first cycle in the graph as a chain of names. */
function findCycle(graph: ReadonlyMap<string, Iterable<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}

test('the source files are found', () => {
  expect(files.map(({ path }) => path)).toContain('main.ts');
  expect(files.find(({ path }) => path === 'main.ts')?.imports).toContain('create-app.ts');
});

test('ALLOWED lists every folder of the source', () => {
  const folders = new Set(files.map(({ folder }) => folder).filter((folder) => folder !== TOP));
  expect([...folders].toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
});

test('ALLOWED contains no cycle', () => {
  expect(findCycle(new Map(Object.entries(ALLOWED)))).toBeUndefined();
});

test.each(Object.keys(ALLOWED))('%s imports only folders that ALLOWED lists for it', (folder) => {
  const forbidden = files
    .filter((file) => file.folder === folder)
    .flatMap(({ path, imports }) => imports.map((imported) => ({ path, imported })))
    .filter(({ imported }) => ![folder, ...ALLOWED[folder]].includes(folderOf(imported)))
    .map(({ path, imported }) => `${path} imports ${imported}`);
  expect(forbidden).toEqual([]);
});

test('no import cycle exists between files', () => {
  expect(findCycle(new Map(files.map(({ path, imports }) => [path, imports])))).toBeUndefined();
});

test('no import cycle exists between folders', () => {
  const graph = new Map<string, Set<string>>();
  for (const { folder, imports } of files) {
    const targets = graph.get(folder) ?? new Set();
    for (const target of imports.map(folderOf)) if (target !== folder) targets.add(target);
    graph.set(folder, targets);
  }
  expect(findCycle(graph)).toBeUndefined();
});

test('messages import only the user names from users', () => {
  const known = ['users/dto/users.dto.ts', 'users/user-names.repository.ts', 'users/users.module.ts'];
  const imports = files.filter(({ folder }) => folder === 'messages').flatMap((file) => file.imports);
  expect(imports.filter((path) => folderOf(path) === 'users' && !known.includes(path))).toEqual([]);
});

test('every import leads to a file that exists', () => {
  const known = new Set(files.map(({ path }) => path));
  expect(files.flatMap(({ imports }) => imports).filter((path) => !known.has(path))).toEqual([]);
});

test('the source has no index files', () => {
  expect(files.filter(({ path }) => /(^|\/)index\.ts$/.test(path)).map(({ path }) => path)).toEqual([]);
});

test.each([
  ['a forward reference', /\bforwardRef\b/, []],
  ['process.env', /\bprocess\s*\.\s*env\b/, ['config/settings.ts']],
])('only the allowed files use %s', (_, pattern, allowed) => {
  const users = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ path }) => path);
  expect(users.toSorted()).toEqual(allowed);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

/** The files that may hold SQL text, besides `*.repository.ts` and the folder `database`. */
const SQL_FILES = [
  'idempotency/kept-answers.ts',
  'membership/locked-chat.ts',
  'messages/message-writer.ts',
  'messages/sender-blocks.ts',
];

const SQL = /[`'"]\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s)/;

test('only repositories, the database folder and SQL_FILES contain SQL text', () => {
  const writers = files
    .filter(
      ({ path, folder, text }) =>
        folder !== 'database' && SQL.test(withoutComments(text)) && !path.endsWith('.repository.ts'),
    )
    .map(({ path }) => path);
  expect(writers.filter((path) => !SQL_FILES.includes(path))).toEqual([]);
});

test.each([
  ['save, which commits the transaction of a unit of work on MariaDB', /\.save\(\s*[A-Z]/],
  ['remove, which commits the transaction of a unit of work on MariaDB', /\.remove\(\s*[A-Z]/],
  ['upsert, whose meaning differs between the databases', /\.upsert\(/],
  ['the option lock, which SQLite refuses', /\block:\s*\{/],
  ['@InjectRepository, which writes outside of a unit of work', /InjectRepository|getRepository\(/],
])('no file uses %s', (_, pattern) => {
  const users = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ path }) => path);
  expect(users).toEqual([]);
});

/** The folder that writes each table. */
const WRITERS: Record<string, string> = {
  users: 'users',
  user_search_terms: 'users',
  tokens: 'tokens',
  revocations: 'tokens',
  mails: 'mail',
  chats: 'membership',
  members: 'membership',
  deleted_chats: 'membership',
  chat_changes: 'changes',
  messages: 'messages',
  sender_blocks: 'messages',
  files: 'files',
  uploads: 'files',
  rooms: 'rooms',
  limit_counters: 'limits',
  database_epoch: 'database',
  idempotency_keys: 'idempotency',
  removals: 'removals',
};

test('only one folder writes each table', () => {
  const tableOf = new Map(
    files.flatMap(({ text }) => {
      const [, table] = /@Entity\('(\w+)'/.exec(text) ?? [];
      const [, entity] = /export class (\w+)/.exec(text) ?? [];
      return table ? [[entity, table] as const] : [];
    }),
  );
  expect([...tableOf.values()].toSorted()).toEqual(Object.keys(WRITERS).toSorted());
  const SQL_WRITE = /(?:INSERT INTO|UPDATE|DELETE FROM|tx\.insert\(\s*[`'"])\s*(\w+)/g;
  const ENTITY_WRITE = /\.(?:insert|update|delete)\(\s*([A-Z]\w+)/g;
  const violations = files
    .filter(({ path }) => !path.startsWith('database/migrations/'))
    .flatMap(({ path, folder, text }) => {
      const code = withoutComments(text);
      const tables = [
        ...[...code.matchAll(SQL_WRITE)].map(([, table]) => table),
        ...[...code.matchAll(ENTITY_WRITE)].map(([, entity]) => tableOf.get(entity) ?? entity),
      ];
      return tables
        .filter((table) => table in WRITERS && WRITERS[table] !== folder)
        .map((table) => `${path} writes ${table}`);
    });
  expect(violations).toEqual([]);
});

test('only the entry points load settings', () => {
  const readers = files.filter(({ text }) =>
    /\bload(Command|Existing)?Settings\(\)/.test(withoutComments(text)),
  );
  expect(readers.map(({ path }) => path).toSorted()).toEqual([
    'backup.ts',
    'config/settings.ts',
    'mail-preview.ts',
    'main.ts',
    'restore.ts',
    'run-admin.ts',
  ]);
});
