import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They have a configuration of their own.
    exclude: ['test/faults/**'],
    // What is tested is the build that ships, decorators and all: see "imports" in package.json.
    server: { deps: { external: [/\/(dist|\.builds)\//] } },
    // Servers of tests wait for disks and clocks as much as they work: a worker for each core, not one less.
    maxWorkers: '100%',
    // Files share a process with others before them, and load the server once instead of 46 times: a third of the time.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
