import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/**
 * The index of the user search: `suffix` rows find a username by any part of it, `typo` rows (the
 * username, and what is left of it without one character) by a misspelling.
 */
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
