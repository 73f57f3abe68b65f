import { Injectable } from '@nestjs/common';
import { type EntityManager, LessThanOrEqual, MoreThan } from 'typeorm';
import { now, SECOND_US } from '../helpers/clock.js';
import { Settings } from '../config/settings.js';
import { isMissingReference } from '../database/driver-errors.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { UsersRepository } from '../users/users.repository.js';
import { RoomAttempt } from './room-attempt.entity.js';
import { roomNotFound, tooManyAttempts } from './room-errors.js';

const MAX_ATTEMPTS = 10;
const WINDOW = 15 * 60 * SECOND_US;

/** Limits wrong room passwords per user and room, across all instances ("Rooms" in the contract). */
@Injectable()
export class RoomAttempts {
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly users: UsersRepository,
  ) {}

  /**
   * Returns what `isRight` returns. An attempt is recorded before the check and deleted if the password is right. Checks of
   * one user and room take turns in this process, so that right passwords sent together do not reach the limit.
   * @throws ParleyError (rate_limited) with the seconds to wait, even for the right password.
   */
  async check(roomId: number, userId: number, isRight: () => Promise<boolean>): Promise<boolean> {
    if (!this.settings.rateLimits) return isRight();
    const key = `${roomId} ${userId}`;
    const turn = (this.turns.get(key) ?? Promise.resolve()).then(async () => {
      const attempt = await this.recordAttempt(roomId, userId);
      const right = await isRight();
      if (right) await this.forget(attempt);
      return right;
    });
    const settled = turn.catch(() => {});
    this.turns.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.turns.get(key) === settled) this.turns.delete(key);
    }
  }

  private recordAttempt(roomId: number, userId: number): Promise<number> {
    return this.unitOfWork.run(async (tx) => {
      // The lock orders the user's attempts across instances.
      await this.users.lockUser(tx, userId);
      const manager = await tx.manager();
      const windowStart = now() - WINDOW;
      const earlier = await manager.find(RoomAttempt, {
        where: { roomId, userId, triedAt: MoreThan(windowStart) },
        order: { triedAt: 'ASC' },
      });
      if (earlier.length >= MAX_ATTEMPTS) {
        const oldestThatCounts = earlier[earlier.length - MAX_ATTEMPTS];
        const wait = Math.ceil((oldestThatCounts.triedAt - windowStart) / SECOND_US);
        throw tooManyAttempts(Math.max(1, wait));
      }
      await manager.delete(RoomAttempt, { userId, triedAt: LessThanOrEqual(windowStart) });
      return this.insert(manager, roomId, userId);
    });
  }

  private async insert(manager: EntityManager, roomId: number, userId: number): Promise<number> {
    try {
      const { identifiers } = await manager.insert(RoomAttempt, { roomId, userId, triedAt: now() });
      return identifiers[0].id as number;
    } catch (error) {
      throw isMissingReference(error) ? roomNotFound() : error;
    }
  }

  private async forget(attemptId: number): Promise<void> {
    await this.unitOfWork.run(async (tx) => (await tx.manager()).delete(RoomAttempt, attemptId));
  }
}
