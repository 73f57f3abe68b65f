/** Calls listeners by the type of what they listen to. A listener that throws stops no other one. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Returns a function that removes the listener. */
  on<T extends keyof Events>(type: T, listener: (value: Events[T]) => void): () => void {
    const set = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<T extends keyof Events>(type: T, value: Events[T]): void {
    for (const listener of this.listeners.get(type) ?? []) {
      try {
        (listener as (value: Events[T]) => void)(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
