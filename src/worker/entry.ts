import { extname } from 'node:path';
import type { WorkerKind } from './errors.ts';

/** A module beside this one, as source or as built. */
export function entryUrl(name: string): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
}

/** Arguments of this process that are its own business: a worker's heap is set for it, and a port to debug is taken. */
const OWN = /^--(?:inspect|max-old-space-size|max-heap-size|watch|test|cpu-prof|heap-prof|prof\b|title)/;
/** Those that say what to run; the next argument is the script unless it is part of the same one. */
const SCRIPT = new Set(['-e', '--eval', '-p', '--print', '-pe']);
const SWITCHES = new Set(['-i', '--interactive', '-c', '--check']);

/**
 * The arguments of Node.js that workers get, such as `--import` and `--conditions`; nothing where a thread inherits them by
 * itself, which it does unless this process was given its script as an argument.
 */
export function inheritedArguments(
  kind: WorkerKind,
  given: readonly string[] = process.execArgv,
): string[] | undefined {
  const isInline = given.some((argument) => SCRIPT.has(argument) || argument.startsWith('--input-type'));
  if (kind === 'thread') return isInline ? [] : undefined;
  const kept: string[] = [];
  for (let index = 0; index < given.length; index++) {
    const argument = given[index] as string;
    if (SCRIPT.has(argument) || argument === '--input-type') index++;
    else if (!OWN.test(argument) && !SWITCHES.has(argument) && !argument.startsWith('--input-type=')) {
      kept.push(argument);
    }
  }
  return kept;
}
