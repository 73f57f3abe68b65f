import { randomUUID } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import pLimit from 'p-limit';
import { buildPost, fetchData, type User } from './api.js';
import { connect } from './databases.js';
import { insertRows } from './seed-tables.js';
import type { Server } from './servers.js';

export interface LiveSeed {
  /** The members of `hall`. Each is also in two chats of five. */
  members: User[];
  hall: string;
  /** Chats of five members. No two share a member. */
  teams: { uuid: string; members: User[] }[];
  /** Four users who send, each in a quarter of `desks`. */
  writers: User[];
  /** Chats of a writer, `absentee` and three others. */
  desks: { uuid: string; writer: User }[];
  absentee: User;
}

/** So many chats of five get messages, and so many of `desks`. */
export const TEAMS_IN_USE = 50;

const MEMBERS = 1_000;
const TEAM_SIZE = 5;
const DESKS = 64;
const YEAR_SECONDS = 31_536_000;

/** Writes users and tokens into the tables, because logins are slow. Creates the chats through the API. */
export async function seedLive(databaseUrl: string, secret: string, { url }: Server): Promise<LiveSeed> {
  const users = await addUsers(databaseUrl, secret, MEMBERS + 8);
  const [members, writers] = [users.slice(0, MEMBERS), users.slice(MEMBERS, MEMBERS + 4)];
  const [absentee, ...colleagues] = users.slice(MEMBERS + 4);

  const createChat = async ([owner, ...others]: User[]): Promise<string> => {
    const json = { name: 'Live', users: others.map(({ username }) => username), message: 'Welcome' };
    return (await fetchData<{ uuid: string }>(url, buildPost('/api/chats', json, owner))).uuid;
  };
  const limit = pLimit(16);
  const createTeams = (pick: (team: number) => User[]) =>
    limit.map(Array.from({ length: MEMBERS / TEAM_SIZE }).keys(), async (team) => {
      return { members: pick(team), uuid: await createChat(pick(team)) };
    });
  const hall = await createChat(members);
  const teams = await createTeams((team) => members.slice(team * TEAM_SIZE, (team + 1) * TEAM_SIZE));
  await createTeams((team) => members.filter((_, index) => index % (MEMBERS / TEAM_SIZE) === team));
  const desks = await limit.map(Array.from({ length: DESKS }).keys(), async (desk) => {
    const writer = writers[desk % writers.length];
    return { writer, uuid: await createChat([writer, absentee, ...colleagues]) };
  });
  return { members, hall, teams, writers, desks, absentee };
}

async function addUsers(databaseUrl: string, secret: string, count: number): Promise<User[]> {
  const exp = Math.floor(Date.now() / 1000) + YEAR_SECONDS;
  const jwt = new JwtService({ secret });
  return connect(databaseUrl, (source) =>
    source.transaction(async (manager) => {
      const [{ id }] = await manager.query<{ id: number }[]>('SELECT COALESCE(MAX(id), 0) AS id FROM users');
      const rows = Array.from({ length: count }, (_, index) => {
        const [userId, username, jti] = [id + 1 + index, `live${index}`, randomUUID()];
        const token = jwt.sign({ sub: String(userId), jti, aud: 'authentication', exp });
        return { userId, username, jti, token };
      });
      await insertRows(
        manager,
        'users (id, username, username_key, name, email, email_key, verified, password_hash, created_at)',
        rows.map(({ userId, username }) => {
          const email = `${username}@example.com`;
          return [userId, username, username, `${username} Ångström`, email, email, 0, 'none', 0];
        }),
      );
      await insertRows(
        manager,
        'tokens (id, user_id, kind, expires_at)',
        rows.map(({ jti, userId }) => [jti, userId, 'authentication', exp]),
      );
      return rows.map(({ username, token }) => ({ username, password: '', token }));
    }),
  );
}
