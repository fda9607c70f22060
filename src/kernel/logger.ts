import { OptionError } from './errors.ts';

/** Where lines for the operator go. A `pino` logger fits, and so does `console`-like code of two functions. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Writes one line of JSON a message to standard error: standard output may belong to a protocol. */
export const stderrLogger: Logger = Object.freeze({
  info: (details: object, message: string) => write('info', details, message),
  warn: (details: object, message: string) => write('warn', details, message),
});

function write(level: string, details: object, message: string): void {
  process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), message, ...details })}\n`);
}

/** @throws {OptionError} */
export function loggerOption(name: string, value: unknown): Logger {
  if (value === undefined) return stderrLogger;
  if (value === false) return silentLogger;
  const { info, warn } = (value ?? {}) as { readonly info?: unknown; readonly warn?: unknown };
  if (typeof info === 'function' && typeof warn === 'function') return value as Logger;
  throw new OptionError(name, 'must be false or an object with info and warn, such as a pino logger', value);
}

/** Says nothing. */
export const silentLogger: Logger = Object.freeze({ info: () => {}, warn: () => {} });
