import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MetricsServer } from '#src/metrics/metrics.server.js';

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Samples of Prometheus' text format. */
export class Samples {
  readonly all: Sample[];

  constructor(readonly text: string) {
    this.all = Array.from(text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm), ([, name, labels = '', value]) => ({
      name,
      labels: Object.fromEntries(
        Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, key, quoted]) => [key, quoted]),
      ),
      value: Number(value),
    }));
  }

  /** Returns the sum of the samples with these labels, or undefined without one. */
  find(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.all.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  /** Returns how much a sum has grown since an earlier scrape. */
  grown(before: Samples, name: string, labels?: Record<string, string>): number {
    return (this.find(name, labels) ?? 0) - (before.find(name, labels) ?? 0);
  }
}

export async function scrape({ app }: { app: NestFastifyApplication }): Promise<Samples> {
  const response = await fetch(app.get(MetricsServer, { strict: false }).url);
  if (response.status !== 200) throw new Error(`the metrics are not served: ${response.status}`);
  return new Samples(await response.text());
}
