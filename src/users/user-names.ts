import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { placeholders, padded, Reader } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';

/** How many go together with what others ask for. */
const MAX_BATCH_SIZE = 1_024;

/** How many one query names; SQLite takes twice as many. */
const MAX_IDS_PER_QUERY = 16_384;

/** Users as others see them: who sends, who is in a chat. */
@Injectable()
export class UserNames {
  private readonly lookUps: Batcher<Set<number>, Map<number, UserDto>>;

  constructor(private readonly reader: Reader) {
    this.lookUps = new Batcher((asked) => this.lookUp(asked));
  }

  /** By their ids; without those who are gone. There may be others in it. */
  async find(ids: Set<number>): Promise<Map<number, UserDto>> {
    if (ids.size === 0) return new Map();
    if (ids.size <= MAX_BATCH_SIZE) return this.lookUps.add(ids);
    // So many take their time: nobody else waits for them.
    const [names] = await this.lookUp([ids]);
    return names;
  }

  private async lookUp(asked: Set<number>[]): Promise<Map<number, UserDto>[]> {
    const ids = [...new Set(asked.flatMap((some) => [...some]))];
    const names = new Map<number, UserDto>();
    for (let start = 0; start < ids.length; start += MAX_IDS_PER_QUERY) {
      const some = padded(ids.slice(start, start + MAX_IDS_PER_QUERY));
      const rows = await this.reader.query<UserDto & { id: number }>(
        `SELECT id, name, username FROM users WHERE id IN (${placeholders(some.length)})`,
        some,
      );
      for (const { id, name, username } of rows) names.set(id, { name, username });
    }
    return asked.map(() => names);
  }
}
