import { PeregrineError } from './errors.ts';

/** The oldest Node.js that this package runs on. */
export const MIN_NODE = '22.18.0';

/** @throws {PeregrineError} `NODE_TOO_OLD`; on runtimes that are not Node.js nothing is checked. */
export function checkNodeVersion(version: string | undefined = globalThis.process?.versions?.node): void {
  if (version === undefined || compare(version, MIN_NODE) >= 0) return;
  throw new PeregrineError('NODE_TOO_OLD', `Node.js ${MIN_NODE} or newer is needed, this is ${version}`);
}

/** Whether this process runs in a pod. */
export function isInKubernetes(): boolean {
  return process.env.KUBERNETES_SERVICE_HOST !== undefined;
}

/** The arguments that this Node.js was started with, those of `NODE_OPTIONS` included; the last of several alike holds. */
export function nodeArguments(): readonly string[] {
  return [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv];
}

/** A variable of this process's environment. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}

function compare(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
