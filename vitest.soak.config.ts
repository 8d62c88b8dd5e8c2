import { defineConfig } from 'vitest/config';

/** Long random runs, and proof that they find what they look for; before a release, and after any change of rights. */
export default defineConfig({
  test: {
    include: ['test/oracle/**/*.soak.test.ts'],
    testTimeout: 7_200_000,
    hookTimeout: 180_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
