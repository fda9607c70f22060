import { InvalidArgumentError } from 'commander';

/** @throws {InvalidArgumentError} */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new InvalidArgumentError('It should be a number of seconds, at most 86400.');
  return seconds;
}
