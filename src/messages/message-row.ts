import { nanoseconds } from '../common/clock.js';
import type { FilesRepository } from '../files/files.repository.js';
import type { MessageDto, MessageType } from './dto/messages.dto.js';

/** What a query selects of a message `m` and its sender `u` for {@link toMessages}. */
export const MESSAGE_COLUMNS = `m.seq, m.type, m.text, m.file_uuid, m.sent_at, m.edited_at,
  u.name AS sender_name, u.username AS sender_username`;

export interface MessageRow {
  seq: number;
  type: MessageType;
  text: string;
  file_uuid: string | null;
  sent_at: number;
  edited_at: number | null;
  sender_name: string;
  sender_username: string;
}

/** The messages in the contract's shape. Where there are files among them, one more query reads those. */
export async function toMessages(rows: MessageRow[], files: FilesRepository): Promise<MessageDto[]> {
  const uuids = rows.flatMap(({ file_uuid }) => file_uuid ?? []);
  const found = uuids.length > 0 ? await files.findAll(uuids) : undefined;
  return rows.map((row) => ({
    index: row.seq,
    type: row.type,
    sender: { name: row.sender_name, username: row.sender_username },
    message: row.text,
    file: (row.file_uuid !== null && found?.get(row.file_uuid)) || null,
    timestamp: nanoseconds(row.sent_at),
    edited: row.edited_at === null ? null : nanoseconds(row.edited_at),
  }));
}
