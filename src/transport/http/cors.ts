import type { ExtraHeaders } from '../exchange.ts';

/** What scripts may read of an answer, beyond the few fields that they always may. */
const EXPOSED = 'Mcp-Session-Id, WWW-Authenticate, Retry-After';
const METHODS = 'GET, POST, DELETE, OPTIONS';
/** How long a browser need not ask again, in seconds. */
const MAX_AGE = '7200';
/** Names of header fields as a browser lists them. */
const FIELD_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/;
const MAX_FIELD_NAMES = 4_096;

/** What an answer to a script of this origin, which is allowed, says to its browser. */
export function corsHeaders(origin: string): ExtraHeaders {
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Expose-Headers', EXPOSED],
    ['Vary', 'Origin'],
  ];
}

/** The answer to a browser that asks what a script may do. @param fields The header fields that the script wants to send. */
export function preflightHeaders(origin: string, fields: string | undefined): ExtraHeaders {
  const areNames = fields !== undefined && fields.length <= MAX_FIELD_NAMES && FIELD_NAMES.test(fields);
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Allow-Methods', METHODS],
    // The endpoint looks at a few fields and at all `Mcp-Param-*`: which others a script sends makes no difference.
    ...(areNames ? ([['Access-Control-Allow-Headers', fields]] as const) : []),
    ['Access-Control-Max-Age', MAX_AGE],
    ['Vary', 'Origin, Access-Control-Request-Headers'],
  ];
}
