import { Injectable } from '@nestjs/common';
import { now, SECOND } from '../helpers/clock.js';
import { placeholders, padded, Reader, type Transaction } from '../database/unit-of-work.js';
import type { FileDto } from './dto/files.dto.js';

/** How long a link can be uploaded to, in microseconds. */
const LINK_LIFETIME = 86_400 * SECOND;

export interface FileRow {
  uuid: string;
  chat_id: number | null;
  sender_id: number;
  filename: string;
  created_at: number;
  storage_key: string | null;
  size: number;
  content_type: string;
  sha256: string;
  /** The type of its message. */
  type: 'image' | 'file';
  chat_uuid: string;
}

/** A file whose message is gone. */
export interface Orphan {
  uuid: string;
  storage_key: string | null;
}

/** What an upload has stored. */
export interface StoredContent {
  storageKey: string;
  size: number;
  contentType: string;
  sha256: string;
  /** An image's name comes with the upload. */
  filename?: string;
}

@Injectable()
export class FilesRepository {
  constructor(private readonly reader: Reader) {}

  /** A file whose message exists. */
  async find(uuid: string): Promise<FileRow | undefined> {
    const [row] = await this.reader.query<FileRow>(
      `SELECT f.*, m.type, c.uuid AS chat_uuid FROM files f
       JOIN messages m ON m.chat_id = f.chat_id AND m.seq = f.seq JOIN chats c ON c.id = f.chat_id
       WHERE f.uuid = ?`,
      [uuid],
    );
    return row;
  }

  /** The files of messages, by uuid, in the contract's shape. */
  async findAll(uuids: string[]): Promise<Map<string, FileDto>> {
    const found = new Map<string, FileDto>();
    for (let start = 0; start < uuids.length; start += 1024) {
      const some = padded(uuids.slice(start, start + 1024));
      const rows = await this.reader.query<FileRow>(
        `SELECT uuid, filename, storage_key, size, content_type FROM files WHERE uuid IN (${placeholders(some.length)})`,
        some,
      );
      for (const row of rows) found.set(row.uuid, toFile(row));
    }
    return found;
  }

  /** Uses the link up, if nobody has; `false`: somebody has, or it is too old, or its message is gone. */
  async complete(tx: Transaction, uuid: string, content: StoredContent): Promise<boolean> {
    const { storageKey, size, contentType, sha256, filename } = content;
    const changed = await tx.execute(
      `UPDATE files SET storage_key = ?, size = ?, content_type = ?, sha256 = ?, filename = COALESCE(?, filename)
       WHERE uuid = ? AND storage_key IS NULL AND chat_id IS NOT NULL AND created_at > ?`,
      [storageKey, size, contentType, sha256, filename ?? null, uuid, now() - LINK_LIFETIME],
    );
    return changed === 1;
  }

  async startUpload(tx: Transaction, storageKey: string): Promise<void> {
    await tx.execute('INSERT INTO uploads (storage_key, started_at) VALUES (?, ?)', [storageKey, now()]);
  }

  /** `false`: the upload has been given up, see {@link giveUpUpload}. */
  async endUpload(tx: Transaction, storageKey: string): Promise<boolean> {
    const ended = await tx.execute('DELETE FROM uploads WHERE storage_key = ? AND started_at > 0', [
      storageKey,
    ]);
    return ended === 1;
  }

  /** From here on the upload cannot end well, so its bytes can be removed. `false`: it has ended. */
  async giveUpUpload(tx: Transaction, storageKey: string): Promise<boolean> {
    return (await tx.execute('UPDATE uploads SET started_at = 0 WHERE storage_key = ?', [storageKey])) === 1;
  }

  async forgetUpload(tx: Transaction, storageKey: string): Promise<void> {
    await tx.execute('DELETE FROM uploads WHERE storage_key = ?', [storageKey]);
  }

  /** Uploads that began before `startedBefore`, in microseconds, and have not ended. */
  openUploads(startedBefore: number): Promise<{ storage_key: string }[]> {
    return this.reader.query('SELECT storage_key FROM uploads WHERE started_at < ? LIMIT 1000', [
      startedBefore,
    ]);
  }

  /** Files whose messages are gone, behind the one given, in the order of their uuids. */
  orphans(after: string): Promise<Orphan[]> {
    return this.reader.query(
      'SELECT uuid, storage_key FROM files WHERE chat_id IS NULL AND uuid > ? ORDER BY uuid LIMIT 100',
      [after],
    );
  }

  async remove(tx: Transaction, uuid: string): Promise<void> {
    await tx.execute('DELETE FROM files WHERE uuid = ?', [uuid]);
  }
}

export interface NewLink {
  uuid: string;
  chatId: number;
  seq: number;
  senderId: number;
  filename: string;
}

/** The links of messages that are written in the same transaction. */
export function addLinks(tx: Transaction, links: NewLink[]): void {
  tx.insert(
    'files (uuid, chat_id, seq, sender_id, filename, created_at)',
    links.map(({ uuid, chatId, seq, senderId, filename }) => [uuid, chatId, seq, senderId, filename, now()]),
  );
}

export function isLinkExpired({ created_at }: FileRow): boolean {
  return created_at <= now() - LINK_LIFETIME;
}

function toFile(row: FileRow): FileDto {
  const { uuid, filename, storage_key, size, content_type } = row;
  if (storage_key === null) return { filename, uuid, used: false };
  return { filename, uuid, used: true, size, contentType: content_type };
}
