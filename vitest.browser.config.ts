import { defineConfig } from 'vitest/config';

/** What only a real browser can show; needs Chromium (`CHROMIUM_BIN`, or in a usual place). */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
