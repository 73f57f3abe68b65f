import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { ChatAccess } from '../membership/membership.service.js';

declare module '../database/topics.js' {
  interface TopicPayloads {
    /** Published when a user types. */
    typed: { chatId: number; userId: number; username: string };
  }
}

const INTERVAL_MS = 2_000;
const MAX_TYPISTS = 50_000;

/** Publishes who types, at most once in 2 s for each user and chat. */
@Injectable()
export class Typing implements OnModuleInit {
  private readonly recent = new LRUCache<string, true>({ max: MAX_TYPISTS, ttl: INTERVAL_MS });

  constructor(private readonly unitOfWork: UnitOfWork) {}

  onModuleInit(): void {
    // Instances publish to each other, so the interval holds for all of them together.
    this.unitOfWork.topics.subscribe('typed', (typed) => this.recent.set(keyOf(typed), true));
  }

  publish({ chatId, userId, username }: ChatAccess): void {
    if (this.recent.has(keyOf({ chatId, userId }))) return;
    this.unitOfWork.topics.publish('typed', { chatId, userId, username });
  }
}

const keyOf = ({ chatId, userId }: { chatId: number; userId: number }) => `${userId} ${chatId}`;
