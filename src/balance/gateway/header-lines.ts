import type { RequestHead } from '../../transport/transport.ts';

/** Fields of one connection and not of a message (RFC 9110, 7.6.1). */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** What is not passed to a backend: the gateway has dealt with it, or says it itself. MCP has no cookies. */
const NOT_TO_BACKENDS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'cookie',
  'expect',
  'forwarded',
  'host',
  'mcp-session-id',
  'origin',
  'peregrine-attempt',
  'x-forwarded-for',
]);
/** Fields that name one request among equal ones; answers do not differ by them. */
const TRACE_FIELDS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

export interface PassedOn {
  /** Header lines for a backend, each with its CRLF. */
  readonly lines: string;
  /** Those of them that an answer may depend on. */
  readonly varying: string;
}

/**
 * What of a client's header a backend gets.
 *
 * @param client The address of the client, which is appended to `X-Forwarded-For` and `Forwarded`.
 */
export function toBackendLines(head: RequestHead, client: string | undefined, withAuthorization: boolean): PassedOn {
  const named = namedByConnection(head);
  let varying = '';
  let traces = '';
  let addresses: string | undefined;
  let hops: string | undefined;
  head.each((name, value) => {
    const key = name.toLowerCase();
    if (key === 'x-forwarded-for') addresses = after(addresses, value);
    else if (key === 'forwarded') hops = after(hops, value);
    if (NOT_TO_BACKENDS.has(key) || named?.includes(key) || (key === 'authorization' && !withAuthorization)) return;
    if (TRACE_FIELDS.has(key)) traces += `${name}: ${value}\r\n`;
    else varying += `${name}: ${value}\r\n`;
  });
  return { varying, lines: varying + traces + forwardedLines(head.field('host'), client, addresses, hops) };
}

function namedByConnection(head: RequestHead): string[] | undefined {
  const value = head.field('connection');
  return value?.toLowerCase().split(/[ \t]*,[ \t]*/);
}

function forwardedLines(
  host: string | undefined,
  client = 'unknown',
  addresses: string | undefined,
  hops: string | undefined,
): string {
  const node = client.includes(':') ? `"[${client}]"` : client;
  const hop = host === undefined ? `for=${node}` : `for=${node};host="${host.replace(/["\\]/g, '')}"`;
  return `X-Forwarded-For: ${after(addresses, client)}\r\nForwarded: ${after(hops, hop)}\r\n`;
}

function after(before: string | undefined, value: string): string {
  return before === undefined || before === '' ? value : `${before}, ${value}`;
}
