import { defineConfig } from 'vitest/config';

/** The long suites that kill processes; run before a change of relay, gateway, messaging or a migration lands. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults.test.ts', 'services/*/test/**/*.faults.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
