import { ERASED_USERS } from '../removals/removals.service.js';
import type { MessageType } from './dto/messages.dto.js';

export const MESSAGE_COLUMNS = 'm.seq, m.type, m.text, m.file_uuid, m.sent_at, m.edited_at, m.sender_id';

/**
 * A condition on messages and sender blocks: the messages of an erased user are hidden until they are removed. It needs an
 * unambiguous `sender_id`.
 */
export const IS_VISIBLE = `sender_id NOT IN ${ERASED_USERS}`;

export interface MessageRow {
  seq: number;
  type: MessageType;
  text: string;
  file_uuid: string | null;
  sent_at: number;
  edited_at: number | null;
  sender_id: number;
}
