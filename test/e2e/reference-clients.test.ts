import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

/**
 * Recorded calls of clients that were written from the reference documents alone, and the parts of the answers that those
 * clients read. `<name>` stands for a value: the first answer that contains it tells the value, and later texts repeat it.
 */
interface Call {
  call: string;
  authorization?: string;
  json?: Json;
  /** The content of a form's field `file`. */
  upload?: string;
  status: number;
  answer: Json;
}

const FOLDER = join(import.meta.dirname, '../flows');

let server: TestServer;

beforeAll(async () => {
  server = await startServer({});
});
afterAll(() => server.close());

/** The values of one flow by their names. */
class Values {
  private readonly values = new Map<string, unknown>();

  fill(text: string): string {
    return text.replaceAll(/<(\w+)>/g, (_, name: string) => String(this.get(name)));
  }

  fillJson(json: Json): string {
    return JSON.stringify(json).replaceAll(/"<(\w+)>"/g, (_, name: string) => JSON.stringify(this.get(name)));
  }

  private get(name: string): unknown {
    if (!this.values.has(name)) throw new Error(`nothing has told <${name}>`);
    return this.values.get(name);
  }

  /** Compares what was recorded with what came, which may have more fields, and learns the values of new names. */
  expectIn(recorded: Json, came: Json, path: string): void {
    if (typeof recorded === 'string') {
      const [whole, name = ''] = /^<(\w+)>$/.exec(recorded) ?? [];
      if (!whole || this.values.has(name)) {
        expect(came, path).toBe(whole ? this.values.get(name) : this.fill(recorded));
      } else {
        expect(came ?? undefined, path).toBeDefined();
        this.values.set(name, came);
      }
    } else if (typeof recorded === 'object' && recorded !== null) {
      if (Array.isArray(recorded)) expect(came, path).toHaveLength(recorded.length);
      for (const [key, value] of Object.entries(recorded))
        this.expectIn(value, came?.[key], `${path}.${key}`);
    } else {
      expect(came, path).toBe(recorded);
    }
  }
}

async function play(
  { call, authorization, json, upload, status, answer }: Call,
  values: Values,
): Promise<void> {
  const [method, path] = values.fill(call).split(' ');
  const headers: Record<string, string> = {};
  if (authorization) headers.authorization = values.fill(authorization);
  let body: RequestInit['body'];
  if (json) {
    headers['content-type'] = 'application/json';
    body = values.fillJson(json);
  } else if (upload !== undefined) {
    body = new FormData();
    body.append('file', new Blob([upload]), 'notes.txt');
  }
  // An upload's address is absolute.
  const response = await fetch(new URL(path, server.url), { method, headers, body });
  const text = await response.text();
  expect(response.status, `${call}: ${text}`).toBe(status);
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  values.expectIn(answer, isJson ? JSON.parse(text) : text, call);
}

test.each(readdirSync(FOLDER))('a client of the reference goes on working: %s', async (file) => {
  const calls = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Call[];
  const values = new Values();
  for (const call of calls) await play(call, values);
});
