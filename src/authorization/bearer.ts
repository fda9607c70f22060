import { Denial } from './access.ts';

const SCHEME = /^bearer(?= |$)/i;
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The token in an `Authorization` header, or why there is none (RFC 6750, 2.1 and 3.1). */
export function readBearer(header: string | undefined, maxLength: number): string | Denial {
  const scheme = header === undefined ? null : SCHEME.exec(header);
  if (header === undefined || scheme === null) return new Denial(401, undefined, 'Authorization is required');
  const token = header.slice(scheme[0].length).trim();
  if (token.length > maxLength) return new Denial(400, 'invalid_request', `The token exceeds ${maxLength} characters`);
  if (!TOKEN.test(token)) return new Denial(400, 'invalid_request', 'The Authorization header is malformed');
  return token;
}

/** The value of `WWW-Authenticate`. */
export function challenge({ error, description, scopes }: Denial, metadataUrl: string): string {
  const parts: string[] = [];
  if (error !== undefined) parts.push(`error="${error}"`, `error_description="${quotable(description)}"`);
  parts.push(`resource_metadata="${quotable(metadataUrl)}"`);
  if (scopes.length > 0) parts.push(`scope="${scopes.join(' ')}"`);
  return `Bearer ${parts.join(', ')}`;
}

/** Only what RFC 6750 lets stand between the quotes. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
