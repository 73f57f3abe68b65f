/** Something that happens again and again. */
export class Signal {
  private readonly listeners = new Set<() => void>();

  /** Returns a function that removes the listener. */
  readonly on = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly notify = (): void => {
    for (const listener of this.listeners) listener();
  };
}
