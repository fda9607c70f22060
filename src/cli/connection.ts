import { CliError } from './cli-error.ts';

/** What every command that talks to a server is told about the connection. */
export interface ConnectionOptions {
  /** Further request headers, in the order given. */
  readonly header: readonly (readonly [name: string, value: string])[];
  /** Only the handshake of the revisions before 2026-07-28. */
  readonly legacy: boolean;
  /** Exactly this protocol revision; otherwise the newest that both sides know. */
  readonly protocol: string | undefined;
  /** Longest wait for one answer, in milliseconds. */
  readonly timeoutMs: number;
}

export function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError(`"${text}" is not an http or https URL; it should look like http://127.0.0.1:3000/mcp`);
  }
  return url;
}
