import { Injectable } from '@nestjs/common';
import { IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { now, SECOND_US } from '../helpers/clock.js';
import { chunks, placeholders, Reader, type Transaction } from '../database/unit-of-work.js';
import type { FileDto } from './dto/files.dto.js';
import { File } from './file.entity.js';
import { ABORTED, Upload } from './upload.entity.js';

const LINK_LIFETIME_US = 86_400 * SECOND_US;

export interface FileRow {
  uuid: string;
  chat_id: number | null;
  /** The index of the message. */
  seq: number;
  sender_id: number;
  filename: string;
  created_at: number;
  storage_key: string | null;
  size: number;
  content_type: string;
  sha256: string;
  type: 'image' | 'file';
  chat_uuid: string;
}

export interface StoredContent {
  storageKey: string;
  size: number;
  contentType: string;
  sha256: string;
  filename?: string;
}

/** Reads files of pages and downloads by SQL text, because they are hot paths. Uses entities for the rest. */
@Injectable()
export class FilesRepository {
  constructor(private readonly reader: Reader) {}

  /** Does not find files of deleted messages and erased users. */
  async find(uuid: string): Promise<FileRow | undefined> {
    const [row] = await this.reader.query<FileRow>(
      `SELECT f.*, m.type, c.uuid AS chat_uuid FROM files f
       JOIN messages m ON m.chat_id = f.chat_id AND m.seq = f.seq
       JOIN chats c ON c.id = f.chat_id JOIN users u ON u.id = f.sender_id
       WHERE f.uuid = ?`,
      [uuid],
    );
    return row;
  }

  async findAll(uuids: string[]): Promise<Map<string, FileDto>> {
    const found = new Map<string, FileDto>();
    for (const some of chunks(uuids)) {
      const rows = await this.reader.query<FileRow>(
        `SELECT uuid, filename, storage_key, size, content_type FROM files WHERE uuid IN (${placeholders(some.length)})`,
        some,
      );
      for (const row of rows) found.set(row.uuid, toFileDto(row));
    }
    return found;
  }

  /** Returns `false` if the link is used or expired, or if its message is deleted. */
  async consumeLink(tx: Transaction, uuid: string, content: StoredContent): Promise<boolean> {
    const manager = await tx.manager();
    const { affected } = await manager.update(
      File,
      { uuid, storageKey: IsNull(), chatId: Not(IsNull()), createdAt: MoreThan(now() - LINK_LIFETIME_US) },
      content,
    );
    return affected === 1;
  }

  /** Returns up to 100 files of deleted messages, ordered by uuid, whose uuids follow `after`. */
  findOrphans(after: string): Promise<File[]> {
    return this.reader.run((manager) =>
      manager.find(File, {
        where: { chatId: IsNull(), uuid: MoreThan(after) },
        order: { uuid: 'ASC' },
        take: 100,
      }),
    );
  }

  async deleteFile(tx: Transaction, uuid: string): Promise<void> {
    const manager = await tx.manager();
    await manager.delete(File, { uuid });
  }

  async startUpload(tx: Transaction, storageKey: string): Promise<void> {
    const manager = await tx.manager();
    await manager.insert(Upload, { storageKey, startedAt: now() });
  }

  async finishUpload(tx: Transaction, storageKey: string): Promise<boolean> {
    const manager = await tx.manager();
    const { affected } = await manager.delete(Upload, { storageKey, startedAt: MoreThan(ABORTED) });
    return affected === 1;
  }

  /** After this the upload cannot finish. Returns `false` if it has already finished. */
  async abortUpload(tx: Transaction, storageKey: string): Promise<boolean> {
    const manager = await tx.manager();
    const { affected } = await manager.update(Upload, { storageKey }, { startedAt: ABORTED });
    return affected === 1;
  }

  async deleteUpload(tx: Transaction, storageKey: string): Promise<void> {
    const manager = await tx.manager();
    await manager.delete(Upload, { storageKey });
  }

  findUnfinishedUploads(startedBefore: number): Promise<Upload[]> {
    return this.reader.run((manager) =>
      manager.find(Upload, { where: { startedAt: LessThan(startedBefore) }, take: 1000 }),
    );
  }
}

export interface NewLink {
  uuid: string;
  chatId: number;
  seq: number;
  senderId: number;
  filename: string;
}

/** Defers the insert, so that the links of messages need no round trip of their own. */
export function addLinks(tx: Transaction, links: NewLink[]): void {
  tx.insert(
    'files (uuid, chat_id, seq, sender_id, filename, created_at)',
    links.map(({ uuid, chatId, seq, senderId, filename }) => [uuid, chatId, seq, senderId, filename, now()]),
  );
}

export function isLinkExpired({ created_at }: FileRow): boolean {
  return created_at <= now() - LINK_LIFETIME_US;
}

function toFileDto(row: FileRow): FileDto {
  const { uuid, filename, storage_key, size, content_type } = row;
  if (storage_key === null) return { filename, uuid, used: false };
  return { filename, uuid, used: true, size, contentType: content_type };
}
