/** Runs the handlers of other modules in the order of their registration, until one throws. */
export class Handlers<Event extends unknown[]> {
  private readonly handlers: ((...event: Event) => unknown)[] = [];

  add(handler: (...event: Event) => unknown): void {
    this.handlers.push(handler);
  }

  /** Registers a handler that the others need to have run. */
  addFirst(handler: (...event: Event) => unknown): void {
    this.handlers.unshift(handler);
  }

  async run(...event: Event): Promise<void> {
    for (const handler of this.handlers) await handler(...event);
  }
}
