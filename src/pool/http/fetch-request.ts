import { HttpPoolError } from './http-errors.ts';
import type { OutgoingBody, OutgoingRequest } from './transport.ts';

/** What the pool's `fetch` understands beyond the web's. */
export interface HttpFetchInit extends RequestInit {
  /** Longest time to the headers and between parts of the body, in milliseconds. @default the pool's */
  readonly timeout?: number;
  /** Largest body, in bytes, decompressed. @default the pool's */
  readonly maxResponseBytes?: number;
}

type WebHeaders = ConstructorParameters<typeof Headers>[0] | Readonly<Record<string, string>>;

/** A fetch that is ready to be sent, and again after a redirection. */
export interface FetchRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: OutgoingBody;
  readonly redirect: 'follow' | 'error' | 'manual';
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_HEADERS = Object.freeze({
  accept: '*/*',
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': 'peregrine-mcp',
});

/** Reads the arguments of `fetch`. A `Request` is read whole, so that its length is known. @throws {HttpPoolError} */
export async function toFetchRequest(input: string | URL | Request, init: HttpFetchInit): Promise<FetchRequest> {
  const given = input instanceof Request ? input : undefined;
  const url = parseUrl(given === undefined ? (input as string | URL) : given.url);
  const headers: Record<string, string> = { ...DEFAULT_HEADERS, ...toHeaders(init.headers ?? given?.headers) };
  if (headers.range !== undefined) headers['accept-encoding'] = 'identity';
  const method = (init.method ?? given?.method ?? 'GET').toUpperCase();
  const content = init.body ?? (given?.body ? await given.arrayBuffer() : null);
  const { body, type } = await toBody(content, url.origin);
  if (type !== undefined) headers['content-type'] ??= type;
  if (body !== null && (method === 'GET' || method === 'HEAD')) throw invalid(url.origin, `${method} has no body`);
  return {
    url,
    method,
    headers,
    body,
    redirect: (init.redirect ?? given?.redirect ?? 'follow') as FetchRequest['redirect'],
    signal: init.signal ?? given?.signal ?? undefined,
  };
}

/** @throws {HttpPoolError} `HTTP_REQUEST_INVALID` when it is no absolute URL of http or https, or holds credentials. */
export function parseUrl(input: string | URL): URL {
  const url = input instanceof URL ? input : URL.parse(input);
  if (url === null) throw invalid('HTTP', 'this is no absolute URL');
  return url;
}

/** @throws {HttpPoolError} `HTTP_REQUEST_INVALID` when such a URL cannot be called at all. */
export function checkTarget(url: URL): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid(`${url.protocol}//`, 'only http and https work');
  if (url.username !== '' || url.password !== '') throw invalid(url.origin, 'credentials belong in a header');
}

export function toOutgoing({ url, method, headers, body }: FetchRequest): OutgoingRequest {
  return { method, path: url.pathname + url.search, headers, body };
}

/** Headers in any form that the web knows, with names in lower case. */
export function toHeaders(given: WebHeaders | undefined): Record<string, string> {
  if (given === undefined) return {};
  const pairs =
    given instanceof Headers || Array.isArray(given)
      ? new Headers(given as Headers)
      : Object.entries(given as Readonly<Record<string, string>>);
  const headers: Record<string, string> = {};
  for (const [name, value] of pairs) if (value !== undefined) headers[name.toLowerCase()] = String(value);
  return headers;
}

async function toBody(content: unknown, origin: string): Promise<{ body: OutgoingBody; type?: string }> {
  if (content === null || content === undefined) return { body: null };
  if (typeof content === 'string') return { body: content, type: 'text/plain;charset=UTF-8' };
  if (content instanceof Uint8Array) return { body: content };
  if (content instanceof ArrayBuffer) return { body: new Uint8Array(content) };
  if (typeof (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator] === 'function') {
    return { body: content as AsyncIterable<Uint8Array> };
  }
  try {
    const response = new Response(content as ConstructorParameters<typeof Response>[0]); // Forms, blobs and parameters, with their type.
    const type = response.headers.get('content-type');
    return { body: new Uint8Array(await response.arrayBuffer()), ...(type === null ? undefined : { type }) };
  } catch (cause) {
    throw new HttpPoolError('HTTP_REQUEST_INVALID', origin, { detail: 'its body cannot be sent', cause });
  }
}

function invalid(origin: string, detail: string): HttpPoolError {
  return new HttpPoolError('HTTP_REQUEST_INVALID', origin, { detail });
}
