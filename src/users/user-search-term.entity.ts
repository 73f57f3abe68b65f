import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** `suffix` rows find usernames by a substring. `typo` rows (at most one character deleted) find misspellings. */
@Entity('user_search_terms', { withoutRowid: true })
@Index('ix_user_search_terms_user_id', ['userId'])
export class UserSearchTerm {
  @PrimaryColumn('varchar', { length: 8 })
  kind!: 'suffix' | 'typo';

  @PrimaryColumn('varchar', { length: 256 })
  term!: string;

  @PrimaryColumn('int', { name: 'user_id' })
  @ForeignKey('users', { onDelete: 'CASCADE', name: 'fk_user_search_terms_user_id' })
  userId!: number;
}
