import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';

export const MAIL_KINDS = ['verify-email', 'verify-new-email', 'reset-password', 'password-changed'] as const;

export type MailKind = (typeof MAIL_KINDS)[number];

/**
 * A row of the outbox: a mail to send, written in the transaction that causes it. It holds no token: one
 * is made when the mail is sent, so that it is fresh however long the mail waited.
 */
@Entity('mails')
@Index('ix_mails_due', ['state', 'dueAt'])
@Index('ix_mails_user_id', ['userId'])
@Index('ix_mails_address', ['address', 'state'])
export class Mail {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('int', { name: 'user_id' })
  @ForeignKey('users', { onDelete: 'CASCADE', name: 'fk_mails_user_id' })
  userId!: number;

  @Column('varchar', { length: 32 })
  kind!: MailKind;

  /** Where it goes: the user's address when the mail was asked for. */
  @Column('varchar', { length: 254 })
  address!: string;

  /** `failed` for good, with the reason in `error`; `cancelled` after an attempt: nobody waits for it any more. */
  @Column('varchar', { length: 16 })
  state!: 'waiting' | 'sent' | 'failed' | 'cancelled';

  /** How often a worker has taken it; the number tells the one that holds it from those before. */
  @Column('int')
  attempts!: number;

  /**
   * In microseconds. While it waits, when to try (again): a worker that takes the row moves that to the end
   * of its lease. Afterwards, when it was sent or given up.
   */
  @Column('bigint', { name: 'due_at' })
  dueAt!: number;

  /** What the last attempt failed with, without tokens; at most 500 characters. */
  @Column('varchar', { length: 500, nullable: true })
  error!: string | null;

  @Column('bigint', { name: 'created_at' })
  createdAt!: number;
}
