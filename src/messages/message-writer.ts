import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { addLinks } from '../files/files.repository.js';
import { LockedChat, type Position } from '../membership/locked-chat.js';
import { chatNotFound } from '../membership/membership-errors.js';
import type { MessageType } from './dto/messages.dto.js';
import { SenderBlocks } from './sender-blocks.js';

export interface NewMessage {
  chatId: number;
  senderId: number;
  type: MessageType;
  text: string;
  file: { uuid: string; filename: string } | null;
}

/** Group commit: messages that arrive while a commit is under way share the next one, whatever their chats. */
@Injectable()
export class MessageWriter {
  private readonly batcher: Batcher<NewMessage, Position>;

  constructor(
    unitOfWork: UnitOfWork,
    private readonly senderBlocks: SenderBlocks,
  ) {
    this.batcher = new Batcher((messages) =>
      unitOfWork.run(async (tx) => {
        const keys = messages.map(({ chatId, senderId }) => ({ chatId, userId: senderId }));
        return this.writeIn(tx, await LockedChat.lockAll(tx, keys), messages);
      }),
    );
  }

  /** Resolves when the message is on disk. Throws as {@link LockedChat.lock}. */
  write(message: NewMessage): Promise<Position> {
    return this.batcher.add(message);
  }

  /** Writes messages to chats that are locked for their senders. Returns the position of each, or why it was refused. */
  writeIn(
    tx: Transaction,
    chats: ReadonlyMap<number, LockedChat>,
    messages: NewMessage[],
  ): (Position | Error)[] {
    const outcomes = messages.map(({ chatId, senderId }) => {
      const chat = chats.get(chatId);
      if (!chat) return chatNotFound();
      return chat.checkMember(senderId) ?? chat.takePosition();
    });
    const placed = messages.flatMap((message, index) => {
      const outcome = outcomes[index];
      return outcome instanceof Error ? [] : [{ ...message, ...outcome }];
    });
    tx.insert(
      'messages (chat_id, seq, sender_id, type, text, file_uuid, sent_at)',
      placed.map(({ chatId, seq, senderId, type, text, file, sentAt }) => [
        chatId,
        seq,
        senderId,
        type,
        text,
        file?.uuid ?? null,
        sentAt,
      ]),
    );
    addLinks(
      tx,
      placed.flatMap(({ chatId, seq, senderId, file }) => (file ? [{ chatId, seq, senderId, ...file }] : [])),
    );
    this.senderBlocks.record(tx, placed);
    return outcomes;
  }
}
