import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Linux gives ports from 32768 on to servers that ask for any port. */
const FIRST_PORT = 12_000;
const END_OF_PORTS = 32_768;

/** Returns a port that nothing listens on, and that no server gets by chance before the test needs the port. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Not Math.random, which tests fake.
    const port = randomInt(FIRST_PORT, END_OF_PORTS);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
