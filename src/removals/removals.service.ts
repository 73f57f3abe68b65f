import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { Handlers } from '../helpers/handlers.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { Removal } from './removal.entity.js';

export const REMOVAL_JOB = 'removal of deleted chats and users';

declare module '../database/topics.js' {
  interface TopicPayloads {
    removalAdded: void;
  }
}

/** Retries removals after a crash or failure; a commit wakes the job at once. */
const INTERVAL_MS = 30_000;

/** SQL of the ids of users whose rows are not all removed. */
export const ERASED_USERS = "(SELECT id FROM removals WHERE kind = 'user')";

/** Queues the removal of the other rows. The caller deletes the chat's or user's own row, which hides them. */
export function addRemoval(tx: Transaction, kind: Removal['kind'], id: number): void {
  tx.insert('removals (kind, id)', [[kind, id]]);
  tx.publish('removalAdded', undefined);
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
    this.unitOfWork.topics.subscribe('removalAdded', () => this.scheduler.wake(REMOVAL_JOB));
  }

  private async removeAll(signal: AbortSignal): Promise<void> {
    const failures = new Map<string, Error>();
    for (;;) {
      const removal = await this.findNext(failures);
      if (!removal) break;
      await this.remove(removal, signal).catch((error: Error) => failures.set(nameOf(removal), error));
      signal.throwIfAborted();
    }
    for (const failure of failures.values()) throw failure;
  }

  /** Users go first: until their messages are removed, others read around them. */
  private async findNext(failures: ReadonlyMap<string, Error>): Promise<Removal | undefined> {
    const removals = await this.reader.run((manager) =>
      manager.find(Removal, { order: { kind: 'DESC', id: 'ASC' }, take: failures.size + 1 }),
    );
    return removals.find((removal) => !failures.has(nameOf(removal)));
  }

  private async remove({ kind, id }: Removal, signal: AbortSignal): Promise<void> {
    await this.handlers[kind].run(id, signal);
    await this.unitOfWork.run(async (tx) => (await tx.manager()).delete(Removal, { kind, id }));
  }
}

function nameOf({ kind, id }: Removal): string {
  return `${kind} ${id}`;
}
