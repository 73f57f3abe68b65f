/** What each topic tells. Modules declare their own topics here. */
export interface News {
  /** Told when the database is now another host, which may be behind for a moment. */
  databaseMoved: void;
}

export type Topic = keyof News;

type Forward = <T extends Topic>(topic: T, news: News[T]) => void;

/** Passes news, mostly of transactions, on to the listeners of this process and to other instances. */
export class Topics {
  private readonly listeners = new Map<Topic, ((news: never) => void)[]>();
  private forward?: Forward;

  /** The transaction's caller waits for a listener, so it only starts work. */
  listen<T extends Topic>(topic: T, listener: (news: News[T]) => void): void {
    this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
  }

  /** Sets what passes the news of this process on to other instances. */
  forwardBy(forward: Forward): void {
    this.forward = forward;
  }

  tell<T extends Topic>(topic: T, news: News[T]): void {
    this.deliver(topic, news);
    this.forward?.(topic, news);
  }

  /** Tells the listeners of this process alone. */
  deliver<T extends Topic>(topic: T, news: News[T]): void {
    for (const listener of this.listeners.get(topic) ?? []) (listener as (news: News[T]) => void)(news);
  }
}
