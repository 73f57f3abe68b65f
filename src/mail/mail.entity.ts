import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

export const MAIL_KINDS = ['verify-email', 'verify-new-email', 'reset-password', 'password-changed'] as const;

export type MailKind = (typeof MAIL_KINDS)[number];

/** A row of the outbox. It holds no token: each attempt to send the mail issues a new one. */
@Entity('mails')
@Index('ix_mails_due', ['state', 'dueAt'])
@Index('ix_mails_user_id', ['userId'])
@Index('ix_mails_address', ['address', 'state'])
@Index('ix_mails_created_at', ['createdAt'])
export class Mail {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('int', { name: 'user_id' })
  userId!: number;

  @Column('varchar', { length: 32 })
  kind!: MailKind;

  @Column('varchar', { length: 254 })
  address!: string;

  @Column('varchar', { length: 16 })
  state!: 'waiting' | 'sent' | 'failed' | 'cancelled';

  /** Counts the claims. A worker whose number is outdated has lost its lease. */
  @Column('int')
  attempts!: number;

  /** In microseconds. Waiting: the next attempt, or the end of the lease. Otherwise: when the mail got its state. */
  @Column('bigint', { name: 'due_at' })
  dueAt!: number;

  @Column('varchar', { length: 500, nullable: true })
  error!: string | null;

  @Column('bigint', { name: 'created_at' })
  createdAt!: number;
}
