import { install, NEEDS } from '../services/install.ts';

/** Brings the browser. Without it the run fails: no test is left out. */
export async function setup(): Promise<void> {
  if (process.env[NEEDS.chromium.variable]) return;
  try {
    await install(['chromium']);
  } catch (error) {
    // Thrown, it would come with a stack and with the runner's "No test files found".
    console.error(`Tests cannot run: ${(error as Error).message}`);
    process.exit(1);
  }
}
