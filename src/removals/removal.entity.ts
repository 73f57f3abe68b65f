import { Entity, PrimaryColumn } from 'typeorm';

/**
 * A deleted chat or an erased user, whose own row is gone and of which other rows are still to be removed. Tables that
 * may hold many rows of one chat or user have no foreign key to `chats` and `users`: a cascade would take too long.
 */
@Entity('removals', { withoutRowid: true })
export class Removal {
  @PrimaryColumn('varchar', { length: 8 })
  kind!: 'chat' | 'user';

  @PrimaryColumn('int')
  id!: number;
}
