import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A token of one kind is invalid where another kind is required. */
export const TOKEN_KINDS = ['authentication', 'reset-password', 'verify-email'] as const;

export type TokenKind = (typeof TOKEN_KINDS)[number];

/** A valid token. Revoking or consuming the token deletes its row. */
@Entity('tokens')
@Index('ix_tokens_user_id_kind_id', ['userId', 'kind', 'id'])
@Index('ix_tokens_expires_at', ['expiresAt'])
export class Token {
  /** The `jti` of the JWT. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('int', { name: 'user_id' })
  userId!: number;

  @Column('varchar', { length: 16 })
  kind!: TokenKind;

  /** The `exp` of the JWT, in seconds since the epoch. */
  @Column('bigint', { name: 'expires_at' })
  expiresAt!: number;
}
