/**
 * Handlers that other modules register for one event. They run one after the other, in the order of their registration;
 * the first one that throws ends the run.
 */
export class Handlers<Event extends unknown[]> {
  private readonly handlers: ((...event: Event) => unknown)[] = [];

  add(handler: (...event: Event) => unknown): void {
    this.handlers.push(handler);
  }

  async run(...event: Event): Promise<void> {
    for (const handler of this.handlers) await handler(...event);
  }
}
