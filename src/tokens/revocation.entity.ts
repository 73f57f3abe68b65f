import { Entity, PrimaryColumn } from 'typeorm';

/** Makes other instances end the streams of a revoked token. Kept for an hour. Requests are refused by the token's missing row. */
@Entity('revocations', { withoutRowid: true })
export class Revocation {
  /** In microseconds. */
  @PrimaryColumn('bigint')
  at!: number;

  @PrimaryColumn('int', { name: 'user_id' })
  userId!: number;

  /** Empty for all tokens of the user. */
  @PrimaryColumn('varchar', { name: 'token_id', length: 36 })
  tokenId!: string;
}
