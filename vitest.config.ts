import { defineConfig } from 'vitest/config';

/** Folders of test/ whose tests start servers or processes, or search; every other folder is in the project `unit`. */
const SLOW_FOLDERS = ['e2e', 'fuzz', 'conformance', 'chaos', 'tooling'];

const slow = (name: string) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 180_000, hookTimeout: 120_000 },
});

export default defineConfig({
  test: {
    retry: 0,
    maxWorkers: 2,
    passWithNoTests: false,
    allowOnly: !process.env.CI,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...SLOW_FOLDERS.map((name) => `test/${name}/**`)],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      ...SLOW_FOLDERS.map(slow),
    ],
  },
});
