import { readFileSync } from 'node:fs';
import { CliError } from '../cli-error.ts';

/** Reads a file of JSON. @param what What it should hold, for errors. @throws {CliError} */
export function readJson<T>(file: string, isRight: (value: unknown) => value is T, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  if (!isRight(value)) throw new CliError(`${file} does not hold ${what}`);
  return value;
}
