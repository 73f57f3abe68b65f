import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
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

/** Group commit: messages that arrive while a commit is under way share the next one, whatever their chats. */
@Injectable()
export class MessageWriter {
  private readonly batcher: Batcher<NewMessage, Sent>;

  constructor(
    unitOfWork: UnitOfWork,
    private readonly senderBlocks: SenderBlocks,
  ) {
    this.batcher = new Batcher((messages, addedAt) =>
      rerunIfKeyTaken(() => unitOfWork.run((tx) => this.writeBatch(tx, messages), addedAt)),
    );
  }

  /**
   * Resolves when the message is on disk. Throws as {@link LockedChat.lock}.
   * @throws ParleyError (idempotency_conflict) when the key of its request belongs to another request.
   */
  write(message: NewMessage): Promise<Sent> {
    return this.batcher.add(message);
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
