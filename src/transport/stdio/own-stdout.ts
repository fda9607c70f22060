import { Writable } from 'node:stream';

/** Stdout as long as it is kept for messages. */
export interface OwnStdout {
  /** What is written here goes to stdout. */
  readonly output: Writable;
  /** Gives stdout back to everybody. */
  release(): void;
}

/**
 * Keeps stdout for messages: what any other code of this process writes there, such as `console.log`, goes to stderr instead,
 * where hosts show it and nothing breaks.
 */
export function takeStdout(stdout: Writable = process.stdout, stderr: Writable = process.stderr): OwnStdout {
  const write = stdout.write;
  const divert = stderr.write.bind(stderr);
  const ignore = (): void => {}; // The writer is told by its callback.
  stdout.on('error', ignore);
  stdout.write = divert;
  return {
    output: new Writable({
      decodeStrings: false,
      write: (chunk: Buffer | string, encoding, done) => void write.call(stdout, chunk, encoding, done),
    }),
    release: () => {
      if (stdout.write === divert) stdout.write = write;
      stdout.off('error', ignore);
    },
  };
}
