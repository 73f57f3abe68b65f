import { expect } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import type { Answer, Json, Member } from './parley.js';
import type { TestServer } from './server.js';

export interface TestRoom {
  name: string;
  id: number;
  /** The uuid of its chat. */
  chat: string;
  password?: string;
}

/** Creates a room, which is private if there is a password. */
export async function createRoom(owner: Member, name: string, password?: string): Promise<TestRoom> {
  const json = { room_name: name, is_private: password === undefined ? 0 : 1, password };
  const { status, body } = await owner.post('/api/create_room', json);
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return { name, id: body.room_id, chat: body.chat, password };
}

export const join = (member: Member, { name }: Pick<TestRoom, 'name'>, password?: string) =>
  member.post('/api/join_room', { name, password });

export const leave = (member: Member, { id }: Pick<TestRoom, 'id'>) =>
  member.post('/api/leave_room', { room_id: id });

/** Returns the caller's entry for a room in `user_rooms`, if there is one. */
export async function ownEntry(member: Member, { id }: Pick<TestRoom, 'id'>): Promise<Json> {
  const { body } = await member.get('/api/user_rooms');
  return body.rooms.find(({ room_id }: Json) => room_id === id);
}

/** Returns the parts of an answer that tests compare. */
export const outcome = ({ status, body }: Answer) => ({ status, body });

/** Returns the {@link outcome} of an error of the Rooms API. */
export const roomError = (status: number, error: string) => ({
  status,
  body: expect.objectContaining({ error }) as unknown,
});

/** Reads a room's owner and its members, the longest-standing first, from the database; `undefined` if it is deleted. */
export async function stateOf({ app }: TestServer, { id }: Pick<TestRoom, 'id'>) {
  const reader = app.get(Reader);
  const [room] = await reader.query<{ chat_id: number; owner: string | null }>(
    `SELECT c.id AS chat_id, u.username AS owner FROM rooms r JOIN chats c ON c.id = r.chat_id
     LEFT JOIN users u ON u.id = c.owner_id WHERE r.id = ?`,
    [id],
  );
  if (!room) return undefined;
  const members = await reader.query<{ username: string }>(
    'SELECT u.username FROM members m JOIN users u ON u.id = m.user_id WHERE m.chat_id = ? ORDER BY m.since',
    [room.chat_id],
  );
  return { owner: room.owner, members: members.map(({ username }) => username) };
}
