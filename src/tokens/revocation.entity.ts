import { Entity, PrimaryColumn } from 'typeorm';

/** Tells other instances to end the streams of a revoked token. Kept for an hour; the token's missing row is what counts. */
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
