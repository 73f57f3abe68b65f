import { expect, test } from 'vitest';
import { Handlers } from '#src/helpers/handlers.js';

test('every registered handler runs, one after the other, in the order of registration', async () => {
  const handlers = new Handlers<[text: string]>();
  const seen: string[] = [];
  handlers.add(async (text) => {
    await Promise.resolve();
    seen.push(`first ${text}`);
  });
  handlers.add((text) => seen.push(`second ${text}`));
  await handlers.run('event');
  expect(seen).toEqual(['first event', 'second event']);
});

test('a handler that throws ends the run', async () => {
  const handlers = new Handlers();
  let reached = false;
  handlers.add(() => Promise.reject(new Error('refused')));
  handlers.add(() => (reached = true));
  await expect(handlers.run()).rejects.toThrow('refused');
  expect(reached).toBe(false);
});
