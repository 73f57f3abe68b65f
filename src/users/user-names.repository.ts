import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { chunks, placeholders, Reader } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';

/** Larger sets get a query of their own, because it would delay the other requests of a batch. */
const MAX_BATCHED_IDS = 1_024;

/** SQLite allows 32,766 parameters. */
const MAX_IDS_PER_QUERY = 16_384;

/** SQL text for a hot path: pages of messages and lists of chats read the names of users. */
@Injectable()
export class UserNamesRepository {
  private readonly lookUps: Batcher<Set<number>, Map<number, UserDto>>;

  constructor(private readonly reader: Reader) {
    this.lookUps = new Batcher((sets) => this.findAll(sets));
  }

  /** Returns users by id. Deleted users are missing; the map may hold extra users. */
  async findByIds(ids: Set<number>): Promise<Map<number, UserDto>> {
    if (ids.size === 0) return new Map();
    if (ids.size <= MAX_BATCHED_IDS) return this.lookUps.add(ids);
    const [names] = await this.findAll([ids]);
    return names;
  }

  private async findAll(sets: Set<number>[]): Promise<Map<number, UserDto>[]> {
    const ids = [...new Set(sets.flatMap((set) => [...set]))];
    const names = new Map<number, UserDto>();
    for (const some of chunks(ids, MAX_IDS_PER_QUERY)) {
      const rows = await this.reader.query<UserDto & { id: number }>(
        `SELECT id, name, username FROM users WHERE id IN (${placeholders(some.length)})`,
        some,
      );
      for (const { id, name, username } of rows) names.set(id, { name, username });
    }
    return sets.map(() => names);
  }
}
