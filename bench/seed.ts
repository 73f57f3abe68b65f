import { createHash, randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import { buildPost, buildUpload, createUploadLink, fetchData, type User } from './api.js';
import type { Options } from './options.js';
import { makeUsernames, textOfMessage } from './texts.js';

export interface SeedData {
  /** One user per connection. They are the members of `hotChat`, `chats` and `longChats`. */
  speakers: User[];
  hotChat: string;
  chats: string[];
  longChats: LongChat[];
  /** Users who have 50 chats each. */
  readers: User[];
  /** Users who have `manyChats` chats each. */
  collectors: User[];
  manyChats: number;
  /** Users to search among; `seedTables` stores them. */
  usernames: string[];
  file: string;
}

export interface LongChat {
  uuid: string;
  size: number;
}

export const CONNECTIONS = 64;
export const MEBIBYTE = Buffer.from(randomBytes(524_288).toString('hex'));

const MAX_CONCURRENCY = 32;
const SHORT_CHAT = 1_000;

/** Stores through the API what is quick to store that way; `seedTables` stores the rest. */
export async function seedThroughApi(url: string, options: Options): Promise<SeedData> {
  const { longestChat, manyChats } = options;
  const limit = pLimit(MAX_CONCURRENCY);
  const create = <T>(count: number, createOne: (index: number) => Promise<T>) =>
    limit.map(Array.from({ length: count }).keys(), createOne);

  const signUp = async (username: string): Promise<User> => {
    const password = createHash('sha256').update(username).digest('hex');
    const name = `${username[0].toUpperCase()}${username.slice(1)} Ångström`;
    const email = `${username}@example.com`;
    await fetchData(url, buildPost('/api/users', { username, password, name, email }));
    const login = buildPost('/api/auth/login', { username, password });
    return { username, password, ...(await fetchData<{ token: string }>(url, login)) };
  };

  const createChat = async ([owner, ...others]: User[], name: string, index: number): Promise<string> => {
    const users = others.map(({ username }) => username);
    const json = { name: `${name} ${index}`, users, message: textOfMessage(index) };
    return (await fetchData<{ uuid: string }>(url, buildPost('/api/chats', json, owner))).uuid;
  };

  const speakers = await create(CONNECTIONS, (index) => signUp(`speaker${index}`));
  const hotChat = await createChat(speakers, 'Everybody', 0);
  const chats = await create(50, (index) => createChat(speakers, 'Team', index));
  // Four circles of five users, with 50 chats each.
  const readers = await create(20, (index) => signUp(`reader${index}`));
  await create(200, (index) => {
    const circle = Math.floor(index / 50) * 5;
    return createChat(readers.slice(circle, circle + 5), 'Circle', index);
  });
  const collectors = await create(5, (index) => signUp(`collector${index}`));
  await create(manyChats, (index) => createChat(collectors, 'Topic', index));
  const longChats: LongChat[] = [];
  for (const size of [SHORT_CHAT, 10_000, longestChat]) {
    longChats.push({ size, uuid: await createChat(speakers, 'History', size) });
  }
  await create(SHORT_CHAT - 1, (index) => {
    const json = { type: 'message', message: textOfMessage(index) };
    const path = `/api/chats/${longChats[0].uuid}/messages`;
    return fetchData(url, buildPost(path, json, speakers[index % CONNECTIONS]));
  });
  const file = await createUploadLink(url, hotChat, speakers[0]);
  await fetchData(url, await buildUpload(file, speakers[0], MEBIBYTE));
  const usernames = makeUsernames(options.users);
  return { speakers, hotChat, chats, longChats, readers, collectors, manyChats, usernames, file };
}
