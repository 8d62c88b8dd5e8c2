import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Tests are sorted by what they need: the suffix says it, and a project per suffix sets the time it may take. Groups run
 * one after another, so that tests of the whole platform have the machine to themselves, two at a time and the two longest
 * before.
 */
const packages = ['libs/*', 'services/*', 'cli', 'deploy/local', 'scripts', 'test'];
const filesEnding = (suffix: string): string[] => packages.map((folder) => `${folder}/**/*${suffix}`);
const realServers = ['**/*.nats.test.ts', '**/*.pg.test.ts', '**/*.e2e.test.ts'];
/** They take the longest, mostly waiting, and share nothing with other tests: they begin with the servers' own tests. */
const judging = ['test/oracle/oracle.e2e.test.ts', 'test/matrix/matrix.e2e.test.ts'];
const elsewhere = [
  '**/node_modules/**',
  '**/dist-types/**',
  '**/*.faults.test.ts',
  '**/*.browser.test.ts',
  '**/*.soak.test.ts',
];
const cores = availableParallelism();
/** Most of their time they wait for a server, a lease or a time-out: more of them at once than there are cores. */
const waitingWorkers = Math.min(8, cores + 1);

/** The oldest React that libs/react works with: its tests run a second time on the one that libs/tanstack-db has. */
const oldReact = createRequire(new URL('libs/tanstack-db/package.json', import.meta.url));

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          maxWorkers: cores,
          include: filesEnding('.test.ts'),
          exclude: [...elsewhere, ...realServers],
          testTimeout: 60_000,
        },
      },
      {
        resolve: {
          alias: ['react', 'react-dom/client', 'react-dom/server'].map((name) => ({
            find: new RegExp(`^${name}$`),
            replacement: oldReact.resolve(name),
          })),
        },
        test: {
          name: 'react-18',
          sequence: { groupOrder: 0 },
          maxWorkers: cores,
          include: ['libs/react/**/*.test.ts'],
          exclude: [...elsewhere, ...realServers],
        },
      },
      {
        test: {
          // Projects of a group begin in the order of their names.
          name: 'judging',
          sequence: { groupOrder: 1 },
          maxWorkers: waitingWorkers,
          include: judging,
          exclude: elsewhere,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'nats',
          sequence: { groupOrder: 1 },
          maxWorkers: waitingWorkers,
          include: filesEnding('.nats.test.ts'),
          exclude: elsewhere,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'pg',
          sequence: { groupOrder: 1 },
          maxWorkers: waitingWorkers,
          include: filesEnding('.pg.test.ts'),
          exclude: elsewhere,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: filesEnding('.e2e.test.ts'),
          exclude: [...elsewhere, ...judging],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          maxWorkers: Math.min(2, cores),
        },
      },
    ],
  },
});
