import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { LOG_LIFETIME_US } from '../changes/change-log.js';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { Reader, UnitOfWork } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { DeletedChat } from './deleted-chat.entity.js';

const SWEEP_INTERVAL_MS = 3_600_000;

/** Removes the members of deleted chats when it is too late for clients to catch up. */
@Injectable()
export class DeletedChatsSweeper implements OnModuleInit {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: 'sweep of deleted chats',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) => this.sweep(signal),
    });
  }

  async sweep(signal: AbortSignal): Promise<void> {
    for (;;) {
      const chat = await this.reader.run((manager) =>
        manager.findOneBy(DeletedChat, { deletedAt: LessThan(now() - LOG_LIFETIME_US) }),
      );
      if (!chat) return;
      const { chatId } = chat;
      await deleteInChunks(this.unitOfWork, signal, {
        table: 'members',
        where: 'chat_id = ?',
        values: [chatId],
        key: 'user_id',
      });
      await this.unitOfWork.run(async (tx) => (await tx.manager()).delete(DeletedChat, { chatId }));
    }
  }
}
