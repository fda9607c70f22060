/** Prints `N passed, N failed` from the reports of the checks and the tests; a missing report counts as a failure. */
import { existsSync, readFileSync } from 'node:fs';

interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const [checksFile = '', testsFile = ''] = process.argv.slice(2);
const read = <T>(file: string): T | undefined =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;

const checks = read<{ passed: number; failed: number }>(checksFile) ?? { passed: 0, failed: 1 };
const tests = countTests(read<TestReport>(testsFile));
console.log(`${checks.passed + tests.passed} passed, ${checks.failed + tests.failed} failed`);

/** A file that fails before its first test has no failed test, but is a failure. */
function countTests(report: TestReport | undefined): { passed: number; failed: number } {
  if (!report) return { passed: 0, failed: 1 };
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  return { passed: report.numPassedTests, failed: failed === 0 && !report.success ? 1 : failed };
}
