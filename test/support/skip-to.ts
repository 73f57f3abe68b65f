import { UnitOfWork } from '#src/database/unit-of-work.js';
import type { TestServer } from './server.js';

/** Has a chat's next message get that index, as if those before it had been deleted. */
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
