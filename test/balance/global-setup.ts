import type { TestProject } from 'vitest/node';
import { pythonWithMcp } from './foreign/python.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of a Python that has the official SDK. */
    python: string;
  }
}

/** Finds or makes what servers of other makers run on. What is missing fails the run: no test is left out. */
export async function setup(project: TestProject): Promise<void> {
  try {
    project.provide('python', await pythonWithMcp());
  } catch (error) {
    // Thrown, it would come with a stack and with the runner's "No test files found".
    console.error(`Tests cannot run: ${(error as Error).message}`);
    process.exit(1);
  }
}
