import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Starts the longest test first, so that all others run beside it. */
class SoakFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (moduleId.includes('soak') ? 0 : 1);
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    include: ['test/faults/**/*.test.ts'],
    server: { deps: { external: [/\/(dist|\.builds)\//] } },
    maxWorkers: 2,
    sequence: { sequencer: SoakFirst },
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
