import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type OpenDatabase, openDatabase } from '#src/database/data-source.js';
import { DATABASE_DEADLINE_MS } from '#src/database/driver.js';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';
import { Reader, type Transaction, UnitOfWork } from '#src/database/unit-of-work.js';
import { createTestDatabase, onMysql, type TestDatabase, testSettings } from '../support/server.js';

/** The connections of the pool. */
const POOL = 10;

let database: TestDatabase;
let open: OpenDatabase;
let unitOfWork: UnitOfWork;
let reader: Reader;

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await createTestDatabase();
  open = await openDatabase(testSettings(database));
  unitOfWork = new UnitOfWork(open.writer);
  reader = new Reader(open.reader);
  await open.writer.query('CREATE TABLE notes (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL)');
});

beforeEach(() => open.writer.query('DELETE FROM notes'));

afterAll(async () => {
  await open.writer.destroy();
  if (open.reader.isInitialized) await open.reader.destroy();
  await database.drop();
});

class TestError extends Error {}

/** Creates a promise, `fired`, that the test resolves with `fire`. */
function createSignal() {
  let fire!: () => void;
  const fired = new Promise<void>((resolve) => (fire = resolve));
  return { fire, fired };
}

const insert = (tx: Transaction, id: number) =>
  tx.execute('INSERT INTO notes (id, revision) VALUES (?, 0)', [id]);

async function notes(): Promise<number[]> {
  const rows = await reader.query<{ id: number }>('SELECT id FROM notes ORDER BY id');
  return rows.map(({ id }) => id);
}

describe('two concurrent transactions, of which the first is rolled back', () => {
  test.runIf(!onMysql)('lose the rows of the second on a bare SQLite data source', async () => {
    const [firstBegun, secondDone] = [createSignal(), createSignal()];
    const first = open.writer.transaction(async (manager) => {
      await manager.query('INSERT INTO notes (id, revision) VALUES (1, 0)');
      firstBegun.fire();
      await secondDone.fired;
      throw new TestError();
    });
    await firstBegun.fired;
    await open.writer.transaction((manager) =>
      manager.query('INSERT INTO notes (id, revision) VALUES (2, 0)'),
    );
    secondDone.fire();
    await expect(first).rejects.toThrow(TestError);

    // The second transaction reported a commit, but its row is lost.
    expect(await notes()).toEqual([]);
  });

  test('keep the rows of the second when both are units of work', async () => {
    const [firstBegun, secondAsked] = [createSignal(), createSignal()];
    const first = unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      firstBegun.fire();
      await secondAsked.fired;
      throw new TestError();
    });
    await firstBegun.fired;
    const second = unitOfWork.run((tx) => insert(tx, 2));
    secondAsked.fire();
    await expect(first).rejects.toThrow(TestError);
    await second;
    expect(await notes()).toEqual([2]);
  });

  test('keep exactly the acknowledged rows when many units succeed and fail concurrently', async () => {
    const units = Array.from({ length: 60 }, (_, id) =>
      unitOfWork.run(async (tx) => {
        await insert(tx, id);
        await tx.query('SELECT COUNT(*) FROM notes');
        if (id % 3 === 0) throw new TestError();
        return id;
      }),
    );
    const settled = await Promise.allSettled(units);
    const acknowledged = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(acknowledged).toHaveLength(40);
    expect(await notes()).toEqual(acknowledged);
  });
});

test('a unit returns the result of its work and commits', async () => {
  const count = await unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    return (await insert(tx, 2)) + (await tx.execute('UPDATE notes SET revision = 0'));
  });
  expect(count).toBe(3);
  expect(await notes()).toEqual([1, 2]);
});

test('a unit that fails rolls back and throws its own error', async () => {
  const failing = unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    await insert(tx, 1);
  });
  await expect(failing).rejects.toThrow(/UNIQUE|Duplicate/);
  expect(await notes()).toEqual([]);
});

test('a unit that fails does not block the next unit', async () => {
  const failing = unitOfWork.run(() => Promise.reject(new TestError()));
  const next = unitOfWork.run((tx) => insert(tx, 1));
  await expect(failing).rejects.toThrow(TestError);
  expect(await next).toBe(1);
  expect(await unitOfWork.run((tx) => insert(tx, 2))).toBe(1);
});

test('readers do not see uncommitted rows', async () => {
  await unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    expect(await tx.query('SELECT id FROM notes')).toHaveLength(1);
    expect(await notes()).toEqual([]);
  });
  expect(await notes()).toEqual([1]);
});

test('readers do not see rolled-back rows', async () => {
  const seen: number[][] = [];
  const failing = unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    seen.push(await notes());
    throw new TestError();
  });
  await expect(failing).rejects.toThrow(TestError);
  seen.push(await notes());
  expect(seen).toEqual([[], []]);
});

describe('a deferred write', () => {
  const insertLater = (tx: Transaction, id: number) =>
    tx.defer('INSERT INTO notes (id, revision) VALUES (?, 0)', [id]);

  test('is visible to the next statement, and commits in the order of the writes', async () => {
    await unitOfWork.run(async (tx) => {
      insertLater(tx, 1);
      expect(await tx.query('SELECT id FROM notes')).toEqual([{ id: 1 }]);
      insertLater(tx, 2);
      tx.defer('UPDATE notes SET revision = id');
      insertLater(tx, 3);
    });
    expect(await reader.query('SELECT id, revision FROM notes ORDER BY id')).toEqual([
      { id: 1, revision: 1 },
      { id: 2, revision: 2 },
      { id: 3, revision: 0 },
    ]);
  });

  test('of many rows inserts all rows in the order of the writes; an empty one inserts none', async () => {
    await unitOfWork.run(async (tx) => {
      tx.insert('notes (id, revision)', []);
      tx.insert('notes (id, revision)', [
        [1, 10],
        [2, 20],
        [3, 30],
      ]);
      tx.defer('UPDATE notes SET revision = revision + 1');
      tx.insert('notes (id, revision)', [[4, 40]]);
    });
    expect(await reader.query('SELECT id, revision FROM notes ORDER BY id')).toEqual([
      { id: 1, revision: 11 },
      { id: 2, revision: 21 },
      { id: 3, revision: 31 },
      { id: 4, revision: 40 },
    ]);
  });

  test('that fails at the commit rolls back the unit, and no effect runs', async () => {
    const effects: string[] = [];
    const failing = unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      tx.afterCommit(() => effects.push('effect'));
      insertLater(tx, 2);
      insertLater(tx, 1);
      insertLater(tx, 3);
    });
    await expect(failing).rejects.toThrow(/UNIQUE|Duplicate/);
    expect(await notes()).toEqual([]);
    expect(effects).toEqual([]);
  });

  test('that fails before a statement makes that statement fail', async () => {
    const failing = unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      insertLater(tx, 1);
      await expect(insert(tx, 2)).rejects.toThrow(/UNIQUE|Duplicate/);
      throw new TestError();
    });
    await expect(failing).rejects.toThrow(TestError);
    expect(await notes()).toEqual([]);
  });
});

test('queryAll returns the rows of each SELECT separately', async () => {
  const rows = await unitOfWork.run(async (tx) => {
    await insert(tx, 7);
    return tx.queryAll([
      { sql: 'SELECT id FROM notes', values: [] },
      { sql: 'SELECT id FROM notes WHERE id = ?', values: [8] },
      { sql: 'SELECT revision FROM notes WHERE id = ?', values: [7] },
    ]);
  });
  expect(rows).toEqual([[{ id: 7 }], [], [{ revision: 0 }]]);
});

test('a beforeCommit hook runs after the work, and its statements commit with the unit', async () => {
  await unitOfWork.run(async (tx) => {
    tx.beforeCommit(() => tx.defer('UPDATE notes SET revision = 5'));
    await insert(tx, 3);
  });
  expect(await reader.query('SELECT id, revision FROM notes')).toEqual([{ id: 3, revision: 5 }]);
});

test('a statement of a beforeCommit hook that fails rolls back the unit', async () => {
  const failing = unitOfWork.run(async (tx) => {
    tx.beforeCommit(() => tx.defer('DELETE FROM nowhere'));
    await insert(tx, 4);
  });
  await expect(failing).rejects.toThrow(/nowhere/);
  expect(await notes()).toEqual([]);
});

test("the entity manager's writes are part of the unit, even as its first statements", async () => {
  const failing = unitOfWork.run(async (tx) => {
    await (await tx.manager()).query('INSERT INTO notes (id, revision) VALUES (1, 0)');
    throw new TestError();
  });
  await expect(failing).rejects.toThrow(TestError);
  expect(await notes()).toEqual([]);
});

test('values are never parsed as SQL', async () => {
  const text = `'; DROP TABLE notes; -- ? \\ " 😀`;
  const rows = await unitOfWork.run((tx) => tx.query('SELECT ? AS one, ? AS two', [text, '?']));
  expect(rows).toEqual([{ one: text, two: '?' }]);
  expect(await reader.query('SELECT ? AS one', [text])).toEqual([{ one: text }]);
});

describe('effects', () => {
  test('run after the commit, in the order of their registration', async () => {
    const seen: Promise<number[]>[] = [];
    const order: string[] = [];
    await unitOfWork.run(async (tx) => {
      tx.afterCommit(() => {
        seen.push(notes());
        order.push('first effect');
      });
      tx.afterCommit(() => order.push('second effect'));
      await insert(tx, 1);
      order.push('work');
    });
    expect(order).toEqual(['work', 'first effect', 'second effect']);
    expect(await Promise.all(seen)).toEqual([[1]]);
  });

  test('do not run when the unit is rolled back', async () => {
    const effects: string[] = [];
    const failing = unitOfWork.run(async (tx) => {
      tx.afterCommit(() => effects.push('effect'));
      await insert(tx, 1);
      throw new TestError();
    });
    await expect(failing).rejects.toThrow(TestError);
    expect(effects).toEqual([]);
  });

  test('that throw do not make a committed unit fail', async () => {
    const effects: string[] = [];
    const count = await unitOfWork.run(async (tx) => {
      tx.afterCommit(() => {
        throw new TestError();
      });
      tx.afterCommit(() => effects.push('second effect'));
      return insert(tx, 1);
    });
    expect(count).toBe(1);
    expect(await notes()).toEqual([1]);
    expect(effects).toEqual(['second effect']);
  });
});

const touch = (tx: Transaction, id: number) =>
  tx.execute('UPDATE notes SET revision = revision + 1 WHERE id = ?', [id]);

test.runIf(onMysql)('a unit that waits too long for a lock runs again', async () => {
  await unitOfWork.run((tx) => insert(tx, 1));
  const [locked, again] = [createSignal(), createSignal()];
  const first = unitOfWork.run(async (tx) => {
    await touch(tx, 1);
    locked.fire();
    await again.fired;
  });
  await locked.fired;
  let attempts = 0;
  const second = unitOfWork.run(async (tx) => {
    attempts += 1;
    if (attempts === 2) again.fire();
    await touch(tx, 1);
  });
  await Promise.all([first, second]);
  expect(attempts).toBe(2);
  expect(await reader.query('SELECT revision FROM notes')).toEqual([{ revision: 2 }]);
});

describe.runIf(onMysql)('a deadlock', () => {
  test('makes its victim run again, and the effects run once', async () => {
    await unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      await insert(tx, 2);
    });
    let attempts = 0;
    const effects: string[] = [];
    const locked = { one: createSignal(), two: createSignal() };
    const unit = (name: 'one' | 'two', [first, second]: [number, number]) =>
      unitOfWork.run(async (tx) => {
        attempts += 1;
        tx.afterCommit(() => effects.push(name));
        await touch(tx, first);
        locked[name].fire();
        await Promise.all([locked.one.fired, locked.two.fired]);
        await touch(tx, second);
      });
    await Promise.all([unit('one', [1, 2]), unit('two', [2, 1])]);

    expect(attempts).toBe(3);
    expect(effects.toSorted()).toEqual(['one', 'two']);
    const rows = await reader.query('SELECT id, revision FROM notes ORDER BY id');
    expect(rows).toEqual([
      { id: 1, revision: 2 },
      { id: 2, revision: 2 },
    ]);
  });
});

test('a unit that fails for another reason than a deadlock is not retried', async () => {
  let attempts = 0;
  const failing = unitOfWork.run(async (tx) => {
    attempts += 1;
    await tx.query('SELECT * FROM nowhere');
  });
  await expect(failing).rejects.toThrow(/nowhere/);
  expect(attempts).toBe(1);
});

test.runIf(!onMysql)('a unit whose turn comes after its deadline is not run', async () => {
  const [begun, finish] = [createSignal(), createSignal()];
  const first = unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    begun.fire();
    await finish.fired;
  });
  await begun.fired;
  const [second, late] = [unitOfWork.run((tx) => insert(tx, 2)), performance.now() + DATABASE_DEADLINE_MS];
  const clock = vi.spyOn(performance, 'now').mockReturnValue(late);
  finish.fire();
  await expect(second).rejects.toThrow(DatabaseUnavailable);
  clock.mockRestore();
  await first;
  await unitOfWork.run((tx) => insert(tx, 3));
  expect(await notes()).toEqual([1, 3]);
});

test('while 1,000 units wait, the next is refused at once, and those that wait are run', async () => {
  const finish = createSignal();
  const running = Array.from({ length: onMysql ? POOL : 1 }, () => {
    const begun = createSignal();
    const done = unitOfWork.run(async () => {
      begun.fire();
      await finish.fired;
    });
    return { begun: begun.fired, done };
  });
  await Promise.all(running.map(({ begun }) => begun));
  const waiting = Array.from({ length: 1_000 }, (_, id) => unitOfWork.run((tx) => insert(tx, id)));
  await expect(unitOfWork.run((tx) => insert(tx, -1))).rejects.toThrow(DatabaseUnavailable);
  finish.fire();
  await Promise.all([...running.map(({ done }) => done), ...waiting]);
  expect(await notes()).toHaveLength(1_000);
  expect(await unitOfWork.run((tx) => insert(tx, -1))).toBe(1);
});
