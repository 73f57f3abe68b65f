import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import S3rver from 's3rver';
import type { StorageSettings } from '#src/config/settings.js';

/** A storage for the bytes of files, and access to it without the server. */
export interface TestStorage {
  settings: StorageSettings;
  /** Returns the keys of everything stored, leftovers of failed writes included. */
  keys(): Promise<string[]>;
  close(): Promise<void>;
}

export const STORAGE_KINDS = ['disk', 's3'] as const;

export function openTestStorage(kind: StorageSettings['kind']): Promise<TestStorage> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-files-'));
  return kind === 'disk' ? Promise.resolve(openFolder(folder)) : openBucket(folder);
}

/** Returns the names of all files under a folder. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

function openFolder(folder: string): TestStorage {
  return {
    settings: { kind: 'disk', folder },
    keys: async () => filesIn(folder),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const BUCKET = 'parley';
const PREFIX = 'chat/files/';

/** The credentials that s3rver accepts, as the environment variables that the S3 client reads. */
export const S3_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

async function openBucket(directory: string): Promise<TestStorage> {
  Object.assign(process.env, S3_CREDENTIALS);
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    directory,
    silent: true,
    configureBuckets: [{ name: BUCKET, configs: [] }],
  });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true });
  return {
    settings: { kind: 's3', bucket: BUCKET, prefix: PREFIX, region: 'us-east-1', endpoint },
    keys: async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      return Contents.map(({ Key = '' }) => Key.replace(PREFIX, ''));
    },
    close: async () => {
      client.destroy();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
