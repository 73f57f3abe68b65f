import { UnitOfWork } from '#src/database/unit-of-work.js';
import type { TestServer } from './server.js';

/** Sets the index of a chat's next message, as if all messages before it were deleted. */
export async function skipTo({ app }: TestServer, chat: string, index: number): Promise<void> {
  await app
    .get(UnitOfWork)
    .run((tx) =>
      tx.execute(
        'UPDATE chats SET deleted_count = deleted_count + ? - next_seq, next_seq = ? WHERE uuid = ?',
        [index, index, chat],
      ),
    );
}
