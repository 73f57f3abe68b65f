import { nanoseconds } from '../common/clock.js';
import type { MessageDto } from './dto/messages.dto.js';

/** What a query selects of a message `m` and its sender `u` for {@link toMessage}. */
export const MESSAGE_COLUMNS = `m.seq, m.type, m.text, m.sent_at, m.edited_at,
  u.name AS sender_name, u.username AS sender_username`;

export interface MessageRow {
  seq: number;
  type: MessageDto['type'];
  text: string;
  sent_at: number;
  edited_at: number | null;
  sender_name: string;
  sender_username: string;
}

export function toMessage(row: MessageRow): MessageDto {
  return {
    index: row.seq,
    type: row.type,
    sender: { name: row.sender_name, username: row.sender_username },
    message: row.text,
    file: null,
    timestamp: nanoseconds(row.sent_at),
    edited: row.edited_at === null ? null : nanoseconds(row.edited_at),
  };
}
