import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { Handlers } from '../helpers/handlers.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { Removal } from './removal.entity.js';

export const REMOVAL_JOB = 'removal of deleted chats and users';

/** Only for removals that a crash or a failure has left: after a commit the job is woken. */
const INTERVAL_MS = 30_000;

const MAX_REMOVALS = 1_000;

/** Has the other rows of a chat or user removed after the commit. The transaction deletes its own row, which hides them. */
export function addRemoval(tx: Transaction, kind: Removal['kind'], id: number): void {
  tx.insert('removals (kind, id)', [[kind, id]]);
  tx.wake(REMOVAL_JOB);
}

export async function isBeingRemoved(tx: Transaction, kind: Removal['kind'], id: number): Promise<boolean> {
  return (await tx.manager()).existsBy(Removal, { kind, id });
}

/**
 * Removes what belongs to deleted chats and erased users, in chunks. A removal that is cut off starts anew, on any
 * instance, until nothing is left.
 */
@Injectable()
export class Removals implements OnModuleInit {
  /** Each handler removes rows of its module, in chunks, and throws when the signal aborts. */
  readonly handlers: Record<Removal['kind'], Handlers<[id: number, signal: AbortSignal]>> = {
    chat: new Handlers(),
    user: new Handlers(),
  };

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
    private readonly scheduler: Scheduler,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: REMOVAL_JOB,
      intervalMs: INTERVAL_MS,
      run: (signal) => this.removeAll(signal),
    });
    this.unitOfWork.wakeUps.add((job) => this.scheduler.wake(job));
  }

  private async removeAll(signal: AbortSignal): Promise<void> {
    const removals = await this.reader.run((manager) => manager.find(Removal, { take: MAX_REMOVALS }));
    const failures: Error[] = [];
    for (const removal of removals) {
      await this.remove(removal, signal).catch((error: Error) => failures.push(error));
      signal.throwIfAborted();
    }
    if (failures.length > 0) throw failures[0];
    if (removals.length === MAX_REMOVALS) await this.removeAll(signal);
  }

  private async remove({ kind, id }: Removal, signal: AbortSignal): Promise<void> {
    await this.handlers[kind].run(id, signal);
    await this.unitOfWork.run(async (tx) => (await tx.manager()).delete(Removal, { kind, id }));
  }
}
