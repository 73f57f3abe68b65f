import { type ClientOptions, ParleyClient } from '@parley/client';
import { beforeEach, onTestFinished, vi } from 'vitest';

export const PASSWORD = 'correct horse';

/** Makes the waits of clients, which are random, as short as they may be in each test of a file. */
export function shortenWaits(): void {
  beforeEach(() => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(() => random.mockRestore());
  });
}

/** Returns a client that ends with the test. */
export function openClient(options: ClientOptions): ParleyClient {
  const client = new ParleyClient(options);
  onTestFinished(() => client.close());
  return client;
}

/** Registers a user, and returns a client of theirs. */
export async function joinAs(
  username: string,
  url: string,
  options: Partial<ClientOptions> = {},
): Promise<ParleyClient> {
  const client = openClient({ url, ...options });
  await client.signUp({ username, password: PASSWORD, email: `${username}@example.com`, name: username });
  await client.login(username, PASSWORD);
  return client;
}

/** Creates a chat with its first message, and returns its uuid. */
export async function createChat({ api }: ParleyClient, users: string[], name = 'Chat'): Promise<string> {
  const { data } = await api.POST('/api/chats', { body: { name, users, message: 'first' } });
  return data.data.uuid;
}
