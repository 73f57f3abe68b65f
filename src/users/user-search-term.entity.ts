import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** `suffix` rows find substrings. `typo` rows hold the username, whole and without one character, and find misspellings. */
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
