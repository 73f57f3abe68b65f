import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

export const USERNAME_TAKEN = { table: 'users', column: 'username_key', index: 'uq_users_username_key' };
export const EMAIL_TAKEN = { table: 'users', column: 'email_key', index: 'uq_users_email_key' };

@Entity('users')
@Unique(USERNAME_TAKEN.index, ['usernameKey'])
@Unique(EMAIL_TAKEN.index, ['emailKey'])
export class User {
  /** Never used again, not even after the user is gone. */
  @PrimaryGeneratedColumn()
  id!: number;

  /** As registered, in NFC. */
  @Column('varchar', { length: 64 })
  username!: string;

  /** The folded username: unique, and what look-ups and searches use. */
  @Column('varchar', { name: 'username_key', length: 256 })
  usernameKey!: string;

  @Column('varchar', { length: 128 })
  name!: string;

  @Column('varchar', { length: 254 })
  email!: string;

  /** The folded email: unique. */
  @Column('varchar', { name: 'email_key', length: 768 })
  emailKey!: string;

  @Column('boolean')
  verified!: boolean;

  /** argon2id of the digest that clients send. */
  @Column('varchar', { name: 'password_hash', length: 255 })
  passwordHash!: string;

  /** In microseconds since the epoch. */
  @Column('bigint', { name: 'created_at' })
  createdAt!: number;
}
