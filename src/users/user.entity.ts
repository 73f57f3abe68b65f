import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

export const UNIQUE_USERNAME = { table: 'users', column: 'username_key', index: 'uq_users_username_key' };
export const UNIQUE_EMAIL = { table: 'users', column: 'email_key', index: 'uq_users_email_key' };

@Entity('users')
@Unique(UNIQUE_USERNAME.index, ['usernameKey'])
@Unique(UNIQUE_EMAIL.index, ['emailKey'])
export class User {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('varchar', { length: 64 })
  username!: string;

  /** The username, folded by `fold`: equal for all spellings that count as the same. */
  @Column('varchar', { name: 'username_key', length: 256 })
  usernameKey!: string;

  @Column('varchar', { length: 128 })
  name!: string;

  @Column('varchar', { length: 254 })
  email!: string;

  @Column('varchar', { name: 'email_key', length: 768 })
  emailKey!: string;

  @Column('boolean')
  verified!: boolean;

  @Column('varchar', { name: 'password_hash', length: 255 })
  passwordHash!: string;

  /** Microseconds since the epoch. */
  @Column('bigint', { name: 'created_at' })
  createdAt!: number;
}
