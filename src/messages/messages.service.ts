import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { toNanoseconds, now } from '../helpers/clock.js';
import { invalidInput } from '../errors/errors.js';
import { countCodePoints, isBlank } from '../helpers/text.js';
import { Settings } from '../config/settings.js';
import { deleteInChunks, inChunks } from '../database/delete-in-chunks.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { FilesService } from '../files/files.service.js';
import { keyedRequest, type Operation, type Repeatable } from '../idempotency/kept-answers.js';
import { LockedChat } from '../membership/locked-chat.js';
import type { ChatAccess } from '../membership/membership.service.js';
import { isBeingRemoved, Removals } from '../removals/removals.service.js';
import type {
  ListMessagesQuery,
  MessageDto,
  MessagePageDto,
  SendMessageDto,
  SentDto,
} from './dto/messages.dto.js';
import { Message } from './message.entity.js';
import { messageNotFound, neitherSenderNorOwner, notTheSender } from './message-errors.js';
import { MessageAssembler } from './message-assembler.js';
import type { MessageRow } from './message-row.js';
import { MessageWriter } from './message-writer.js';
import { MessagesRepository, type ReadAccess } from './messages.repository.js';
import { SenderBlocks } from './sender-blocks.js';

@Injectable()
export class MessagesService implements OnModuleInit {
  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: MessagesRepository,
    private readonly writer: MessageWriter,
    private readonly senderBlocks: SenderBlocks,
    private readonly files: FilesService,
    private readonly assembler: MessageAssembler,
    private readonly removals: Removals,
  ) {}

  onModuleInit(): void {
    this.removals.handlers.chat.add((chatId, signal) => this.removeAllOf(chatId, signal));
  }

  private async removeAllOf(chatId: number, signal: AbortSignal): Promise<void> {
    const ofChat = { where: 'chat_id = ?', values: [chatId] };
    await deleteInChunks(this.unitOfWork, signal, { ...ofChat, table: 'messages', key: 'seq' });
    await deleteInChunks(this.unitOfWork, signal, { ...ofChat, table: 'sender_blocks', key: 'block' });
  }

  /**
   * Sends a text, or the message of an image or file to upload. Resolves when the message is on disk. A repeat with the
   * same key returns the first answer.
   * @throws ParleyError (idempotency_conflict).
   */
  async send(
    { chatId, userId }: ChatAccess,
    { type, message = '', filename = '' }: SendMessageDto,
    key?: string,
    operation: Operation = 'send_message',
  ): Promise<Repeatable<SentDto>> {
    const text = type === 'file' ? '' : message;
    this.requireLength(text);
    const request = keyedRequest(userId, key, operation, [chatId, type, text, filename]);
    const file = type === 'message' ? null : this.newFile(type === 'file' ? filename : '');
    const sent = await this.writer.write({ chatId, senderId: userId, type, text, file, request });
    const { seq, sentAt, link, isReplayed } = sent;
    return { ...link, index: seq, timestamp: toNanoseconds(sentAt), isReplayed };
  }

  private newFile(filename: string) {
    const uuid = randomUUID();
    return { uuid, filename, url: this.files.uploadUrl(uuid) };
  }

  /** Lists a page, or the messages next to an index. */
  async list(access: ChatAccess, query: ListMessagesQuery): Promise<MessagePageDto> {
    const perPage = Number(query.per_page ?? 100);
    const order = query.order ?? 'asc';
    const { before, after } = query;
    if (before === undefined && after === undefined) {
      const page = Number(query.page ?? 0);
      const messages = await this.read(access, (known) =>
        this.repository.page(known, order, page * perPage, perPage),
      );
      return { messages, page, perPage };
    }
    refuseMixedPaging(query);
    // The window starts at the given index; the order of the answer may be the opposite.
    const direction = before === undefined ? 'asc' : 'desc';
    const messages = await this.read(access, (known) =>
      this.repository.nextTo(known, Number(before ?? after), direction, perPage),
    );
    if (direction !== order) messages.reverse();
    return { messages, perPage };
  }

  /** Reads again if a sender has been erased since the guard looked, so that the page is not short. */
  private async read(
    access: ReadAccess,
    read: (known: ReadAccess) => Promise<MessageRow[]>,
  ): Promise<MessageDto[]> {
    const rows = await read(access);
    const messages = await this.assemble(rows);
    if (messages.length === rows.length) return messages;
    const { chatId, nextSeq, deletedCount } = access;
    return this.assemble(await read({ chatId, nextSeq, deletedCount, hasErasedSenders: true }));
  }

  private async assemble(rows: MessageRow[]): Promise<MessageDto[]> {
    const messages = await this.assembler.assemble(rows);
    return messages.filter((message) => message !== undefined);
  }

  /** @throws ParleyError (message_not_found). */
  async get({ chatId }: ChatAccess, index: number): Promise<MessageDto> {
    const row = await this.repository.find(chatId, index);
    const [message] = row ? await this.assemble([row]) : [];
    if (!message) throw messageNotFound();
    return message;
  }

  /** @throws ParleyError (message_not_found), (not_allowed) when another user sent it. */
  async requireSender(access: ChatAccess, index: number): Promise<void> {
    const message = await this.repository.find(access.chatId, index);
    if (message?.sender_id === access.userId) return;
    // Throws when the message does not exist, or its sender.
    await this.get(access, index);
    throw notTheSender();
  }

  /** @throws ParleyError (message_not_found), (not_allowed) when another user sent it. */
  async edit(access: ChatAccess, index: number, text: string): Promise<void> {
    this.requireLength(text);
    await this.unitOfWork.run(async (tx) => {
      const { chat, message, key } = await this.lockMessage(tx, access, index);
      if (message.senderId !== access.userId) throw notTheSender();
      if (message.type === 'message' && isBlank(text)) {
        throw invalidInput('field', 'message', 'must not be white space alone');
      }
      const manager = await tx.manager();
      chat.recordUpdate(index);
      await manager.update(Message, key, { text, editedAt: Math.max(now(), message.sentAt + 1) });
    });
  }

  /** @throws ParleyError (message_not_found), (not_allowed) unless its sender or the owner asks. */
  async delete(access: ChatAccess, index: number): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { chat, message, key } = await this.lockMessage(tx, access, index);
      if (message.senderId !== access.userId) {
        chat.requireOwner(access.userId, neitherSenderNorOwner);
      }
      const manager = await tx.manager();
      await manager.delete(Message, key);
      chat.recordDeletion(index);
    });
  }

  /** Deletes a message for an operator. @throws ParleyError (chat_not_found, message_not_found). */
  async deleteAny(chatId: number, index: number): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const chat = await LockedChat.lockAny(tx, chatId);
      const { message, key } = await this.findMessage(tx, chatId, index);
      if (await isBeingRemoved(tx, 'user', message.senderId)) throw messageNotFound();
      await (await tx.manager()).delete(Message, key);
      chat.recordDeletion(index);
    });
  }

  private async lockMessage(tx: Transaction, access: ChatAccess, index: number) {
    const chat = await LockedChat.lock(tx, access);
    const { message, key } = await this.findMessage(tx, access.chatId, index);
    const { senderId } = message;
    if (senderId !== access.userId && (await isBeingRemoved(tx, 'user', senderId))) throw messageNotFound();
    return { chat, message, key };
  }

  private async findMessage(tx: Transaction, chatId: number, index: number) {
    const key = { chatId, seq: index };
    const message = await (await tx.manager()).findOneBy(Message, key);
    if (!message) throw messageNotFound();
    return { message, key };
  }

  /** Removes the messages of an erased user, one block in each unit of work, after all chats have got their events. */
  async removeSent(userId: number, signal: AbortSignal): Promise<void> {
    await inChunks<number>(this.unitOfWork, signal, async (tx, after) => {
      const chatId = await this.senderBlocks.findNextChat(tx, userId, after);
      if (chatId === undefined) return undefined;
      (await LockedChat.lockAll(tx, [{ chatId, userId }])).get(chatId)?.recordErasure();
      return chatId;
    });
    await inChunks(this.unitOfWork, signal, async (tx) => {
      const block = await this.senderBlocks.findOne(tx, userId);
      if (!block) return undefined;
      const chats = await LockedChat.lockAll(tx, [{ chatId: block.chatId, userId }]);
      const count = await this.repository.deleteSent(tx, block);
      chats.get(block.chatId)?.countDeletions(count);
      await this.senderBlocks.delete(tx, block);
      return block;
    });
  }

  /** @throws ParleyError (invalid_field) when the text is longer than MAX_MESSAGE_LENGTH characters. */
  requireLength(text: string): void {
    const max = this.settings.maxMessageLength;
    if (countCodePoints(text) > max) {
      throw invalidInput('field', 'message', `must have 1 to ${max} characters`);
    }
  }
}

function refuseMixedPaging({ page, before, after }: ListMessagesQuery): void {
  if (page !== undefined) {
    throw invalidInput('query parameter', 'page', "must not be given together with 'before' or 'after'");
  }
  if (before !== undefined && after !== undefined) {
    throw invalidInput('query parameter', 'before', "must not be given together with 'after'");
  }
}
