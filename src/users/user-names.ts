import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { list, padded, Reader } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';

/** Users as others see them: who sends, who is in a chat. */
@Injectable()
export class UserNames {
  private readonly lookUps: Batcher<Set<number>, Map<number, UserDto>>;

  constructor(private readonly reader: Reader) {
    this.lookUps = new Batcher((asked) => this.lookUp(asked));
  }

  /** By their ids; without those who are gone. There may be others in it. */
  async find(ids: Set<number>): Promise<Map<number, UserDto>> {
    return ids.size === 0 ? new Map() : this.lookUps.add(ids);
  }

  private async lookUp(asked: Set<number>[]): Promise<Map<number, UserDto>[]> {
    const ids = [...new Set(asked.flatMap((some) => [...some]))];
    const names = new Map<number, UserDto>();
    for (let start = 0; start < ids.length; start += 1024) {
      const some = padded(ids.slice(start, start + 1024));
      const rows = await this.reader.query<UserDto & { id: number }>(
        `SELECT id, name, username FROM users WHERE id IN (${list(some.length)})`,
        some,
      );
      for (const { id, name, username } of rows) names.set(id, { name, username });
    }
    return asked.map(() => names);
  }
}
