import { Presets, SingleBar } from 'cli-progress';

/** A bar on stderr; where that is no terminal there is none, and nothing else either. */
export class Progress {
  private bar?: SingleBar;

  /** Ends the bar before it, and begins one. */
  start(title: string, total: number): void {
    this.stop();
    this.bar = new SingleBar(
      { format: `${title.padEnd(36)} {bar} {percentage}%`, stream: process.stderr, clearOnComplete: true },
      Presets.shades_classic,
    );
    this.bar.start(total, 0);
  }

  step(count = 1): void {
    this.bar?.increment(count);
  }

  stop(): void {
    this.bar?.stop();
  }
}
