import { defineConfig } from 'vitest/config';

/** Folders of test/ whose tests start servers or processes, or search. */
const SLOW_FOLDERS = ['e2e', 'fuzz', 'conformance', 'tooling', 'cluster'];
/** Folders of test/ whose tests need Redis, PostgreSQL and MariaDB. */
const SERVICE_FOLDERS = ['contract', 'chaos'];
/** The folder of test/ whose tests need a Chromium. */
const BROWSER_FOLDER = 'browser';
/** The folder of test/ whose tests need a kubectl. */
const KUBERNETES_FOLDER = 'kubernetes';
/** The folder of test/ whose tests start servers of other makers, and a Python for some of them. */
const BALANCE_FOLDER = 'balance';

const testsOf = (folder: string): string => `test/${folder}/**/*.test.ts`;

const slow = (name: string, folders: readonly string[], globalSetup: string[] = []) => ({
  extends: true as const,
  test: { name, include: folders.map(testsOf), globalSetup, testTimeout: 180_000, hookTimeout: 120_000 },
});

/** What a page shows comes when it comes: on a busy machine that takes seconds. */
const browser = () => {
  const { extends: inherits, test } = slow('browser', [BROWSER_FOLDER], ['test/browser/global-setup.ts']);
  return { extends: inherits, test: { ...test, expect: { poll: { timeout: 30_000 } } } };
};

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
          exclude: [
            '**/node_modules/**',
            ...[...SLOW_FOLDERS, ...SERVICE_FOLDERS, BROWSER_FOLDER, KUBERNETES_FOLDER, BALANCE_FOLDER].map(testsOf),
          ],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      ...SLOW_FOLDERS.map((name) => slow(name, [name])),
      slow('services', SERVICE_FOLDERS, ['test/services/global-setup.ts']),
      slow(KUBERNETES_FOLDER, [KUBERNETES_FOLDER], ['test/kubernetes/global-setup.ts']),
      slow('balance', [BALANCE_FOLDER], ['test/balance/global-setup.ts']),
      browser(),
    ],
  },
});
