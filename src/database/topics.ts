/** The payload of each topic. Modules declare their own topics here. */
export interface TopicPayloads {
  /** Published when the database has moved to another host, which may be behind for a moment. */
  databaseMoved: void;
}

export type Topic = keyof TopicPayloads;

type Forward = <T extends Topic>(topic: T, payload: TopicPayloads[T]) => void;

/** Publishes what happens, mostly in transactions, to subscribers in this process and to other instances. */
export class Topics {
  private readonly subscribers = new Map<Topic, ((payload: never) => void)[]>();
  private forward?: Forward;

  /** The transaction's caller waits for the subscriber, so a subscriber must only start work. */
  subscribe<T extends Topic>(topic: T, subscriber: (payload: TopicPayloads[T]) => void): void {
    this.subscribers.set(topic, [...(this.subscribers.get(topic) ?? []), subscriber]);
  }

  /** Sets the function that forwards publications to other instances. */
  forwardBy(forward: Forward): void {
    this.forward = forward;
  }

  publish<T extends Topic>(topic: T, payload: TopicPayloads[T]): void {
    this.deliver(topic, payload);
    this.forward?.(topic, payload);
  }

  /** Publishes to the subscribers of this process only. */
  deliver<T extends Topic>(topic: T, payload: TopicPayloads[T]): void {
    for (const subscriber of this.subscribers.get(topic) ?? []) {
      (subscriber as (payload: TopicPayloads[T]) => void)(payload);
    }
  }
}
