/** Settings of a {@link PeregrineError} beyond its code and message. */
export interface PeregrineErrorOptions {
  /** What led to this error. */
  readonly cause?: unknown;
  /** Whether the same call can succeed later without a change. @default false */
  readonly retryable?: boolean;
}

/**
 * The base of every error that this package throws on purpose.
 *
 * `code` is a stable string for programs; `message` is one line for people. JSON-RPC numbers belong to `wire/`.
 */
export class PeregrineError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: PeregrineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** `OPTION_INVALID`: an option is unknown, has the wrong type or is out of range. Thrown at construction. */
export class OptionError extends PeregrineError {
  /** The option's full name, such as `http.port`. */
  readonly option: string;

  constructor(option: string, expectation: string, value: unknown) {
    super('OPTION_INVALID', `option "${option}" ${expectation}, got ${describe(value)}`);
    this.option = option;
  }
}

/** Shows a value in an error message: short, on one line, never a whole object. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    const text = value.replace(/\/\/.*@/s, '//...@'); // A URL may hold a password.
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
  }
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** The message of anything thrown. */
export function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
