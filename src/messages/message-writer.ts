import { Injectable, Logger } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { isDuplicate } from '../database/driver-errors.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { addLinks } from '../files/files.repository.js';
import {
  KeptAnswers,
  type KeyedRequest,
  type Repeatable,
  rerunIfKeyTaken,
} from '../idempotency/kept-answers.js';
import { LockedChat, type Position } from '../membership/locked-chat.js';
import { chatNotFound } from '../membership/membership-errors.js';
import type { MessageType } from './dto/messages.dto.js';
import { SenderBlocks } from './sender-blocks.js';

declare module '../database/topics.js' {
  interface TopicPayloads {
    /** Published after each commit of messages: their number. */
    messagesSent: number;
  }
}

export interface NewMessage {
  chatId: number;
  senderId: number;
  type: MessageType;
  text: string;
  file: { uuid: string; filename: string; url: string } | null;
  /** If the client may repeat the request. */
  request?: KeyedRequest;
}

interface Placement extends Position {
  /** Where to upload the file. */
  link?: { url: string; uuid: string };
}

export type Sent = Repeatable<Placement>;

const INDEX_KEY = { table: 'messages', column: 'seq', index: 'PRIMARY' };

/** Group commit: messages that arrive while a commit is under way share the next one, whatever their chats. */
@Injectable()
export class MessageWriter {
  private readonly batcher: Batcher<NewMessage, Sent>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly senderBlocks: SenderBlocks,
  ) {
    this.batcher = new Batcher((messages, addedAt) =>
      this.rerunRepaired(messages, addedAt, () =>
        rerunIfKeyTaken(() => unitOfWork.run((tx) => this.writeBatch(tx, messages), addedAt)),
      ),
    );
  }

  /**
   * Resolves when the message is on disk. Throws as {@link LockedChat.lock}.
   * @throws ParleyError (idempotency_conflict) when the key of its request belongs to another request.
   */
  write(message: NewMessage): Promise<Sent> {
    return this.batcher.add(message);
  }

  /**
   * Runs the work. If a chat's counter is behind its messages, for instance because one table was restored, repairs the counter
   * and runs the work again. Also runs it again if another instance has repaired the counter meanwhile.
   */
  private async rerunRepaired<T>(
    messages: NewMessage[],
    addedAt: number,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isDuplicate(error, INDEX_KEY)) throw error;
      const chatIds = [...new Set(messages.map(({ chatId }) => chatId))];
      const repaired = await this.unitOfWork.run((tx) => LockedChat.repairCounters(tx, chatIds), addedAt);
      if (repaired > 0) new Logger('MessageWriter').warn(`repaired the counters of ${repaired} chats`);
      return work();
    }
  }

  private async writeBatch(tx: Transaction, messages: NewMessage[]): Promise<(Sent | Error)[]> {
    const requests = messages.map(({ request }) => request);
    const answers = KeptAnswers.lookUp(tx, requests);
    const keys = messages.map(({ chatId, senderId }) => ({ chatId, userId: senderId }));
    const chats = await LockedChat.lockAll(tx, keys);
    return this.writeIn(tx, chats, messages, answers);
  }

  /** Writes messages to chats that are locked for their senders. Returns the position of each, or why it was refused. */
  writeIn(
    tx: Transaction,
    chats: ReadonlyMap<number, LockedChat>,
    messages: NewMessage[],
    answers?: KeptAnswers,
  ): (Sent | Error)[] {
    const outcomes = messages.map((message) => place(message, chats.get(message.chatId), answers));
    const placed = messages.flatMap((message, index) => {
      const outcome = outcomes[index];
      return outcome instanceof Error || outcome.isReplayed ? [] : [{ ...message, ...outcome }];
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
    if (placed.length > 0) tx.publish('messagesSent', placed.length);
    return outcomes;
  }
}

/** Membership is checked first, so that a former member learns nothing from a key. */
function place(
  { senderId, file, request }: NewMessage,
  chat: LockedChat | undefined,
  answers?: KeptAnswers,
): Sent | Error {
  if (!chat) return chatNotFound();
  const settled = chat.checkMember(senderId) ?? answers?.find<Placement>(request);
  if (settled) return settled;
  const placement: Placement = chat.takePosition(senderId);
  if (file) placement.link = { url: file.url, uuid: file.uuid };
  answers?.keep(request, placement);
  return { ...placement, isReplayed: false };
}
