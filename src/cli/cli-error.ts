/** Exit codes; the help texts tell them. */
export const EXIT = Object.freeze({ ok: 0, failure: 1, toolError: 2, somethingWrong: 2 });

/** Something the person at the keyboard can put right. Its message is the one line that is printed. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s*[\r\n]+\s*/g, ' '), options);
  }
}
