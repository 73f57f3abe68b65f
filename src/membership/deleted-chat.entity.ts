import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Remembers a deleted chat for 7 days. Its members keep their rows as long, so that they get the event of the deletion. */
@Entity('deleted_chats')
@Index('ix_deleted_chats_deleted_at', ['deletedAt'])
export class DeletedChat {
  @PrimaryColumn('int', { name: 'chat_id' })
  chatId!: number;

  @Column('varchar', { length: 36 })
  uuid!: string;

  /** In microseconds, later than everything else in the chat. */
  @Column('bigint', { name: 'deleted_at' })
  deletedAt!: number;
}
