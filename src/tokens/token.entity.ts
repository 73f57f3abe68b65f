import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** The three kinds of token ("Authentication" in the contract); one never passes for another. */
export const TOKEN_KINDS = ['authentication', 'reset-password', 'verify-email'] as const;

export type TokenKind = (typeof TOKEN_KINDS)[number];

/** A token that is valid as long as its row exists: logging out and using a token up delete it. */
@Entity('tokens')
@Index('ix_tokens_user_id', ['userId', 'kind'])
@Index('ix_tokens_expires_at', ['expiresAt'])
export class Token {
  /** The JWT's `jti`, a uuid. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('int', { name: 'user_id' })
  @ForeignKey('users', { onDelete: 'CASCADE', name: 'fk_tokens_user_id' })
  userId!: number;

  @Column('varchar', { length: 16 })
  kind!: TokenKind;

  /** In seconds since the epoch, as the JWT's `exp`. */
  @Column('bigint', { name: 'expires_at' })
  expiresAt!: number;
}
