import { OptionError, PeregrineError } from 'peregrine-mcp';

/** Something the person who starts the example can put right; its message is the whole story. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
}

/** One line for what can be put right, and never the address with its password; anything else as it is. */
export function toCatalogueError(error: unknown, databaseUrl: string): unknown {
  const isKnown = error instanceof CatalogueError || (error instanceof Error && 'code' in error);
  if (!isKnown) return error;
  const reason = withoutPassword(reasonOf(error), databaseUrl).replaceAll(/\s+/g, ' ');
  return new CatalogueError(`cannot use the database ${placeOf(databaseUrl)}: ${reason}`, { cause: error });
}

/** One line for what the user can put right; the whole story of anything else. */
export function report(error: unknown): void {
  if (error instanceof OptionError && error.option === 'database.url')
    console.error(`peregrine: ${error.message.replace('option "database.url"', 'DATABASE_URL')}`);
  else if (error instanceof PeregrineError || error instanceof CatalogueError)
    console.error(`peregrine: ${error.message}`);
  else console.error(error);
}

/** Where a database is, without the account and whatever else its address holds. */
function placeOf(databaseUrl: string): string {
  const { protocol, host, pathname } = new URL(databaseUrl);
  return protocol === 'sqlite:' ? databaseUrl.slice(protocol.length) : `${protocol}//${host}${pathname}`;
}

/** With what the driver said, which is for whoever starts the server and not for its clients. */
function reasonOf(error: Error): string {
  const reason = error.message.replace('database "default": ', '');
  const { cause } = error;
  if (!(error instanceof PeregrineError) || !(cause instanceof Error) || error.code === 'DRIVER_MISSING') return reason;
  const { code } = cause as { readonly code?: unknown };
  return `${reason} (${cause.message || String(code)})`; // a host with several addresses has no message
}

function withoutPassword(text: string, databaseUrl: string): string {
  const { password } = new URL(databaseUrl);
  if (password === '') return text;
  const plain = new URLSearchParams(`password=${password.replaceAll('+', '%2B')}`).get('password') ?? password;
  return text.replaceAll(password, '***').replaceAll(plain, '***');
}
