import { Decoder } from './decoder.ts';
import { type FetchRequest, type HttpFetchInit, toFetchRequest, toOutgoing } from './fetch-request.ts';
import type { AnswerReader } from './http-call.ts';
import { HttpPoolError } from './http-errors.ts';
import type { OutgoingRequest } from './transport.ts';
import { WebAnswer } from './web-answer.ts';

/** The bounds of one call, checked. */
export interface SendOptions {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Sends a request to the origin of a URL, and checks where that leads. @throws {HttpPoolError} when it may not be sent. */
export type Send = (url: URL, request: OutgoingRequest, reader: AnswerReader, options: SendOptions) => void;

/** Headers that are for one origin only. */
const CONFIDENTIAL = ['authorization', 'proxy-authorization', 'cookie', 'host'];
const OF_BODY = ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location'];
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Fetches as on the web; each hop of a redirection is sent, and checked, like the first. */
export async function webFetch(
  send: Send,
  input: string | URL | Request,
  init: HttpFetchInit,
  limits: { readonly timeoutMs: number; readonly maxResponseBytes: number; readonly maxRedirects: number },
): Promise<Response> {
  let request = await toFetchRequest(input, init);
  const options = { ...limits, signal: request.signal };
  for (let hops = 0; ; hops++) {
    const { url, method, redirect } = request;
    const answer = new WebAnswer();
    send(url, toOutgoing(request), new Decoder(answer, url.origin, limits.maxResponseBytes), options);
    await answer.ready;
    const location = answer.headers.location;
    if (redirect === 'manual' || !REDIRECTS.has(answer.status) || typeof location !== 'string') {
      return answer.toResponse(method, url, hops > 0);
    }
    answer.discard();
    if (redirect === 'error') throw refused(url, 'the caller wants none');
    if (hops === limits.maxRedirects) throw refused(url, `more than ${limits.maxRedirects} in a row`);
    request = follow(request, answer.status, location);
  }
}

function follow(request: FetchRequest, status: number, location: string): FetchRequest {
  const { url, method } = request;
  const next = URL.parse(location, url);
  if (next === null) throw refused(url, 'it leads to no URL');
  const headers = { ...request.headers };
  if (next.origin !== url.origin) for (const name of CONFIDENTIAL) delete headers[name];
  const becomesGet = status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST';
  if (becomesGet) {
    for (const name of OF_BODY) delete headers[name];
    return { ...request, url: next, method: 'GET', headers, body: null };
  }
  const { body } = request;
  const isStream = body !== null && typeof body !== 'string' && !(body instanceof Uint8Array);
  if (isStream) throw refused(url, 'a stream cannot be sent twice');
  return { ...request, url: next, headers };
}

function refused(url: URL, detail: string): HttpPoolError {
  return new HttpPoolError('HTTP_REDIRECT', url.origin, { detail });
}
