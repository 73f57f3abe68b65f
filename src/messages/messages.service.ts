import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { nanoseconds, now } from '../helpers/clock.js';
import { forbidden, invalid } from '../errors/errors.js';
import { codePoints, isBlank } from '../helpers/text.js';
import { Settings } from '../config/settings.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { FilesService } from '../files/files.service.js';
import { type ChatAccess, Membership } from '../membership/membership.service.js';
import type {
  ListMessagesQuery,
  MessageDto,
  MessagePageDto,
  SendMessageDto,
  SentDto,
} from './dto/messages.dto.js';
import { MessageAssembler } from './message-assembler.js';
import type { MessageRow } from './message-row.js';
import { MessageWriter } from './message-writer.js';
import { MessagesRepository } from './messages.repository.js';

const unknownMessage = () => invalid('specified message does not exist');

@Injectable()
export class MessagesService {
  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly membership: Membership,
    private readonly repository: MessagesRepository,
    private readonly writer: MessageWriter,
    private readonly files: FilesService,
    private readonly assembler: MessageAssembler,
  ) {}

  /** Sends a text, or an image or file whose bytes are to be uploaded; on disk when it resolves. */
  async send(
    { chatId, userId }: ChatAccess,
    { type, message = '', filename = '' }: SendMessageDto,
  ): Promise<SentDto> {
    const text = type === 'file' ? '' : message;
    this.requireLength(text);
    const file =
      type === 'message' ? null : { uuid: randomUUID(), filename: type === 'file' ? filename : '' };
    const { seq, sentAt } = await this.writer.write({ chatId, senderId: userId, type, text, file });
    const sent = { index: seq, timestamp: nanoseconds(sentAt) };
    return file ? { url: this.files.uploadUrl(file.uuid), uuid: file.uuid, ...sent } : sent;
  }

  /** A page, or the window next to an index; "Messages" in the contract. */
  async list(access: ChatAccess, query: ListMessagesQuery): Promise<MessagePageDto> {
    const perPage = Number(query.per_page ?? 100);
    const order = query.order ?? 'asc';
    const { before, after } = query;
    if (before === undefined && after === undefined) {
      const page = Number(query.page ?? 0);
      const rows = await this.repository.page(access, order, page * perPage, perPage);
      return { messages: await this.assemble(rows), page, perPage };
    }
    refuseTogether(query);
    // Away from the index that is given, which may be against the order that is asked for.
    const direction = before === undefined ? 'asc' : 'desc';
    const rows = await this.repository.nextTo(access.chatId, Number(before ?? after), direction, perPage);
    if (direction !== order) rows.reverse();
    return { messages: await this.assemble(rows), perPage };
  }

  private async assemble(rows: MessageRow[]): Promise<MessageDto[]> {
    const messages = await this.assembler.assemble(rows);
    return messages.filter((message) => message !== undefined);
  }

  /** @throws ParleyError (invalid) when there is no such message. */
  async describe({ chatId }: ChatAccess, index: number): Promise<MessageDto> {
    const row = await this.repository.find(chatId, index);
    const [message] = row ? await this.assemble([row]) : [];
    if (!message) throw unknownMessage();
    return message;
  }

  /** @throws ParleyError (invalid) when there is no such message, (forbidden) when somebody else sent it. */
  async requireSender({ chatId, userId }: ChatAccess, index: number): Promise<void> {
    const message = await this.repository.find(chatId, index);
    if (!message) throw unknownMessage();
    if (message.sender_id !== userId) throw forbidden('not allowed to modify messages of other users');
  }

  /** Replaces the text or the caption; the sender alone may. */
  async edit(access: ChatAccess, index: number, text: string): Promise<void> {
    const { chatId, userId } = access;
    this.requireLength(text);
    const row = await this.repository.find(chatId, index);
    if (row?.type === 'message' && isBlank(text))
      throw invalid("field 'message' must not be white space alone");
    const edited = await this.unitOfWork.run(async (tx) => {
      await this.membership.lock(tx, access);
      return tx.execute(
        `UPDATE messages SET text = ?, edited_at = CASE WHEN sent_at < ? THEN ? ELSE sent_at + 1 END
         WHERE chat_id = ? AND seq = ? AND sender_id = ?`,
        [text, now(), now(), chatId, index, userId],
      );
    });
    if (edited === 0) throw unknownMessage();
  }

  /** Removes a message; its sender and the chat's owner may. */
  async remove(access: ChatAccess, index: number): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { chatId, userId, isOwner } = await this.membership.lock(tx, access);
      const [message] = await tx.query<{ sender_id: number }>(
        'SELECT sender_id FROM messages WHERE chat_id = ? AND seq = ?',
        [chatId, index],
      );
      if (!message) throw unknownMessage();
      if (message.sender_id !== userId && !isOwner) {
        throw forbidden('not allowed to delete messages of other users');
      }
      await this.repository.remove(tx, chatId, index);
    });
  }

  /** @throws ParleyError (invalid) when the text has more characters than MAX_MESSAGE_LENGTH. */
  requireLength(text: string): void {
    const max = this.settings.maxMessageLength;
    if (codePoints(text) > max) throw invalid(`field 'message' must have 1 to ${max} characters`);
  }
}

function refuseTogether({ page, before, after }: ListMessagesQuery): void {
  if (page !== undefined)
    throw invalid("query parameter 'page' must not be given together with 'before' or 'after'");
  if (before !== undefined && after !== undefined) {
    throw invalid("query parameter 'before' must not be given together with 'after'");
  }
}
