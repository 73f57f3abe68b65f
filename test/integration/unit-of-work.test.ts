import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '#src/database/data-source.js';
import { Reader, type Transaction, UnitOfWork } from '#src/database/unit-of-work.js';
import { createTestDatabase, onMysql, type TestDatabase, testSettings } from '../support/server.js';

let database: TestDatabase;
let open: OpenDatabase;
let unitOfWork: UnitOfWork;
let reader: Reader;

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await createTestDatabase();
  open = await openDatabase(testSettings(database).database);
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

class Mishap extends Error {}

/** A moment that the test decides on. */
function moment() {
  let happen!: () => void;
  const reached = new Promise<void>((resolve) => (happen = resolve));
  return { happen, reached };
}

const insert = (tx: Transaction, id: number) =>
  tx.execute('INSERT INTO notes (id, revision) VALUES (?, 0)', [id]);

async function notes(): Promise<number[]> {
  const rows = await reader.query<{ id: number }>('SELECT id FROM notes ORDER BY id');
  return rows.map(({ id }) => id);
}

describe('two transactions at the same time, of which the first is rolled back', () => {
  test.runIf(!onMysql)('lose the rows of the second on a bare SQLite data source', async () => {
    const [firstBegun, secondDone] = [moment(), moment()];
    const first = open.writer.transaction(async (manager) => {
      await manager.query('INSERT INTO notes (id, revision) VALUES (1, 0)');
      firstBegun.happen();
      await secondDone.reached;
      throw new Mishap();
    });
    await firstBegun.reached;
    await open.writer.transaction((manager) =>
      manager.query('INSERT INTO notes (id, revision) VALUES (2, 0)'),
    );
    secondDone.happen();
    await expect(first).rejects.toThrow(Mishap);

    // The second was told that it is committed.
    expect(await notes()).toEqual([]);
  });

  test('keep the rows of the second in units of work', async () => {
    const [firstBegun, secondAsked] = [moment(), moment()];
    const first = unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      firstBegun.happen();
      await secondAsked.reached;
      throw new Mishap();
    });
    await firstBegun.reached;
    const second = unitOfWork.run((tx) => insert(tx, 2));
    secondAsked.happen();
    await expect(first).rejects.toThrow(Mishap);
    await second;
    expect(await notes()).toEqual([2]);
  });

  test('keep exactly what was acknowledged when many succeed and fail together', async () => {
    const units = Array.from({ length: 60 }, (_, id) =>
      unitOfWork.run(async (tx) => {
        await insert(tx, id);
        await tx.query('SELECT COUNT(*) FROM notes');
        if (id % 3 === 0) throw new Mishap();
        return id;
      }),
    );
    const settled = await Promise.allSettled(units);
    const acknowledged = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(acknowledged).toHaveLength(40);
    expect(await notes()).toEqual(acknowledged);
  });
});

test('a unit returns what its work returns, and commits', async () => {
  const count = await unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    return (await insert(tx, 2)) + (await tx.execute('UPDATE notes SET revision = 0'));
  });
  expect(count).toBe(3);
  expect(await notes()).toEqual([1, 2]);
});

test('a unit that fails undoes all of it and tells its own error', async () => {
  const failing = unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    await insert(tx, 1);
  });
  await expect(failing).rejects.toThrow(/UNIQUE|Duplicate/);
  expect(await notes()).toEqual([]);
});

test('a unit that fails does not keep the next one from its work', async () => {
  const failing = unitOfWork.run(() => Promise.reject(new Mishap()));
  const next = unitOfWork.run((tx) => insert(tx, 1));
  await expect(failing).rejects.toThrow(Mishap);
  expect(await next).toBe(1);
  expect(await unitOfWork.run((tx) => insert(tx, 2))).toBe(1);
});

test('nobody reads rows before they are committed', async () => {
  await unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    expect(await tx.query('SELECT id FROM notes')).toHaveLength(1);
    expect(await notes()).toEqual([]);
  });
  expect(await notes()).toEqual([1]);
});

test('nobody reads rows that are rolled back', async () => {
  const seen: number[][] = [];
  const failing = unitOfWork.run(async (tx) => {
    await insert(tx, 1);
    seen.push(await notes());
    throw new Mishap();
  });
  await expect(failing).rejects.toThrow(Mishap);
  seen.push(await notes());
  expect(seen).toEqual([[], []]);
});

describe('a deferred write', () => {
  const insertLater = (tx: Transaction, id: number) =>
    tx.defer('INSERT INTO notes (id, revision) VALUES (?, 0)', [id]);

  test('is seen by the next statement, and committed in the order of the writes', async () => {
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

  test('of many rows writes them all, in their order among others, and of none nothing', async () => {
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

  test('that fails with the commit undoes all, and no effect comes', async () => {
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

  test('that fails before a statement fails that one', async () => {
    const failing = unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      insertLater(tx, 1);
      await expect(insert(tx, 2)).rejects.toThrow(/UNIQUE|Duplicate/);
      throw new Mishap();
    });
    await expect(failing).rejects.toThrow(Mishap);
    expect(await notes()).toEqual([]);
  });
});

test('several SELECTs give their rows one by one', async () => {
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

test('a hook before the commit runs when the work is done, and its statements are committed with it', async () => {
  await unitOfWork.run(async (tx) => {
    tx.beforeCommit(() => tx.defer('UPDATE notes SET revision = 5'));
    await insert(tx, 3);
  });
  expect(await reader.query('SELECT id, revision FROM notes')).toEqual([{ id: 3, revision: 5 }]);
});

test('a statement of a hook that fails undoes the whole unit', async () => {
  const failing = unitOfWork.run(async (tx) => {
    tx.beforeCommit(() => tx.defer('DELETE FROM nowhere'));
    await insert(tx, 4);
  });
  await expect(failing).rejects.toThrow(/nowhere/);
  expect(await notes()).toEqual([]);
});

test("the entity manager's writes are part of the unit, even where they are its first", async () => {
  const failing = unitOfWork.run(async (tx) => {
    await (await tx.manager()).query('INSERT INTO notes (id, revision) VALUES (1, 0)');
    throw new Mishap();
  });
  await expect(failing).rejects.toThrow(Mishap);
  expect(await notes()).toEqual([]);
});

test('values are values, whatever stands in them', async () => {
  const text = `'; DROP TABLE notes; -- ? \\ " 😀`;
  const rows = await unitOfWork.run((tx) => tx.query('SELECT ? AS one, ? AS two', [text, '?']));
  expect(rows).toEqual([{ one: text, two: '?' }]);
  expect(await reader.query('SELECT ? AS one', [text])).toEqual([{ one: text }]);
});

describe('effects', () => {
  test('come after the commit, in their order', async () => {
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

  test('do not come when the unit is rolled back', async () => {
    const effects: string[] = [];
    const failing = unitOfWork.run(async (tx) => {
      tx.afterCommit(() => effects.push('effect'));
      await insert(tx, 1);
      throw new Mishap();
    });
    await expect(failing).rejects.toThrow(Mishap);
    expect(effects).toEqual([]);
  });

  test('that fail do not make a committed unit look as if it had failed', async () => {
    const effects: string[] = [];
    const count = await unitOfWork.run(async (tx) => {
      tx.afterCommit(() => {
        throw new Mishap();
      });
      tx.afterCommit(() => effects.push('second effect'));
      return insert(tx, 1);
    });
    expect(count).toBe(1);
    expect(await notes()).toEqual([1]);
    expect(effects).toEqual(['second effect']);
  });
});

describe.runIf(onMysql)('a deadlock', () => {
  const touch = (tx: Transaction, id: number) =>
    tx.execute('UPDATE notes SET revision = revision + 1 WHERE id = ?', [id]);

  test('is run again by the one that loses it, and its effects come once', async () => {
    await unitOfWork.run(async (tx) => {
      await insert(tx, 1);
      await insert(tx, 2);
    });
    let attempts = 0;
    const effects: string[] = [];
    const locked = { one: moment(), two: moment() };
    const unit = (name: 'one' | 'two', [first, second]: [number, number]) =>
      unitOfWork.run(async (tx) => {
        attempts += 1;
        tx.afterCommit(() => effects.push(name));
        await touch(tx, first);
        locked[name].happen();
        await Promise.all([locked.one.reached, locked.two.reached]);
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

test('an error that is no lost race is not tried again', async () => {
  let attempts = 0;
  const failing = unitOfWork.run(async (tx) => {
    attempts += 1;
    await tx.query('SELECT * FROM nowhere');
  });
  await expect(failing).rejects.toThrow(/nowhere/);
  expect(attempts).toBe(1);
});
