import { randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import { Api, type User } from './api.js';
import type { Scale } from './options.js';
import type { Progress } from './progress.js';
import { MESSAGES } from './texts.js';

/** A chat to read pages of. */
export interface LongChat {
  uuid: string;
  size: number;
}

/** What the works find in the database. */
export interface World {
  scale: Scale;
  /** One for each connection; members of all the chats below, but for the readers'. */
  speakers: User[];
  hotChat: string;
  /** 50 of them. */
  chats: string[];
  /** Of 1,000 messages, of 10,000, and of as many as the scale says. */
  longChats: LongChat[];
  /** Users of 50 chats each, which have five members. */
  readers: User[];
  /** Users of as many chats as the scale says, which have five members. */
  collectors: User[];
  rooms: string[];
  /** A file of 1 MiB. */
  file: string;
}

export const CONNECTIONS = 64;
export const MEBIBYTE = Buffer.from(randomBytes(524_288).toString('hex'));

const AT_ONCE = 32;

/** All that can be made through the API in a few seconds; {@link seedTables} makes the rest. */
export async function seedThroughApi(url: string, scale: Scale, progress: Progress): Promise<World> {
  const api = new Api(url);
  const limit = pLimit(AT_ONCE);
  const all = <T>(count: number, make: (index: number) => Promise<T>) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        limit(async () => {
          const made = await make(index);
          progress.step();
          return made;
        }),
      ),
    );
  const text = (index: number) => MESSAGES[index % MESSAGES.length];

  progress.start(
    'users, chats and messages by the API',
    CONNECTIONS + 25 + 1 + 50 + 50 + 200 + 1000 + 2 + 1001,
  );
  const speakers = await all(CONNECTIONS, (index) => api.signUp(`speaker${index}`));
  const readers = await all(20, (index) => api.signUp(`reader${index}`));
  const collectors = await all(5, (index) => api.signUp(`collector${index}`));
  const [hotChat] = await all(1, () => api.createChat(speakers, 'Everybody', text(0)));
  const chats = await all(50, (index) => api.createChat(speakers, `Team ${index}`, text(index)));
  const rooms = Array.from({ length: 50 }, (_, index) => `Room ${index}`);
  await all(50, (index) => api.createRoom(speakers[index], rooms[index]));
  // Four circles of five friends, with 50 chats each.
  await all(200, (index) => {
    const circle = Math.floor(index / 50) * 5;
    return api.createChat(readers.slice(circle, circle + 5), `Circle ${index}`, text(index));
  });
  await all(scale.collection, (index) => api.createChat(collectors, `Topic ${index}`, text(index)));

  const [small, ...larger] = await Promise.all(
    [1_000, 10_000, scale.history].map(async (size) => ({
      size,
      uuid: await api.createChat(speakers, `History of ${size}`, text(0)),
    })),
  );
  await all(small.size - 1, (index) => api.send(small.uuid, speakers[index % CONNECTIONS], text(index + 1)));
  const file = await api.createLink(hotChat, speakers[0], 'notes.txt');
  await api.upload(file, speakers[0], MEBIBYTE);
  progress.stop();
  return {
    scale,
    speakers,
    hotChat,
    chats,
    longChats: [small, ...larger],
    readers,
    collectors,
    rooms,
    file,
  };
}
