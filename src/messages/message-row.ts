import type { MessageType } from './dto/messages.dto.js';

export const MESSAGE_COLUMNS = 'm.seq, m.type, m.text, m.file_uuid, m.sent_at, m.edited_at, m.sender_id';

export interface MessageRow {
  seq: number;
  type: MessageType;
  text: string;
  file_uuid: string | null;
  sent_at: number;
  edited_at: number | null;
  sender_id: number;
}
