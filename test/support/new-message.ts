import type { NewMessage } from '#src/messages/message-writer.js';

/** A text message for the writer. */
export function newText(chatId: number, senderId: number, text: string): NewMessage {
  return { chatId, senderId, type: 'message', text, file: null };
}
