import {
  type Era,
  ErrorCode,
  encodeHeaderValue,
  errorText,
  type HeaderParam,
  headerParamFields,
  isObject,
  isRequestId,
  kindOf,
  MODERN_VERSION,
  NAME_SOURCE,
  notificationText,
  type RequestId,
  responsePrefix,
} from '../../wire/wire.ts';
import type { Target, TargetCall, TargetFailure } from '../gateway/target.ts';
import type { ChangeKind } from '../relay/listeners.ts';
import type { Peer, PeerDescription, PeerRequest, PeerSink, RpcError } from '../relay/peer.ts';
import { exchangeMessages, type TargetMessage, type TargetMessageSink } from './target-post.ts';

export interface TargetPeerParts {
  readonly target: Target;
  readonly era: Era;
  /** The revision that is spoken. */
  readonly version: string;
  readonly description: PeerDescription;
  /** The legacy session, where the server keeps one. */
  readonly session: TargetCall['session'];
  readonly maxMessageBytes: number;
  /** Which arguments of a tool are repeated in headers. */
  readonly headerParams: (tool: string) => readonly HeaderParam[] | undefined;
  /** The server no longer knows the session. */
  readonly sessionLost: () => void;
}

/** A server behind a target, spoken to over HTTP. */
export class TargetPeer implements Peer {
  readonly era: Era;
  readonly description: PeerDescription;
  /** Whether the server no longer knows the session. */
  hasLostSession = false;
  readonly #parts: TargetPeerParts;
  #nextId = 1;

  constructor(parts: TargetPeerParts) {
    this.era = parts.era;
    this.description = parts.description;
    this.#parts = parts;
  }

  request({ method, params, wantsProgress }: PeerRequest, sink: PeerSink): () => void {
    const { target, maxMessageBytes } = this.#parts;
    const id = this.#nextId++;
    const message = this.#message(id, method, wantsProgress ? withToken(params, id) : params);
    const reading = new AnswerReading(id, sink, {
      name: target.name,
      refuse: (request, asked) => this.#refuse(request, asked),
      loseSession: (status, error) => this.#loseSession(status, error),
    });
    const abort = exchangeMessages(target, message, maxMessageBytes, reading);
    return () => {
      if (!reading.settle()) return;
      abort();
      if (this.era === 'legacy') void this.#notify('notifications/cancelled', { requestId: id });
    };
  }

  /** Reads the stream on which the server speaks of itself; `again` when it ended and may be had again. */
  watch(kinds: readonly ChangeKind[], meta: object, heard: (method: string) => void, again: () => void): () => void {
    if (this.era === 'modern') {
      const notifications = Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true]));
      const request = { method: 'subscriptions/listen', params: { notifications, _meta: meta }, wantsProgress: false };
      return this.request(request, { notification: heard, result: again, error: () => {}, failed: again });
    }
    const { target, maxMessageBytes, session } = this.#parts;
    if (session === undefined) return () => {};
    const headers = [['Accept', 'text/event-stream'] as const, ...this.#versionHeaders()];
    return exchangeMessages(target, { method: 'GET', headers, session }, maxMessageBytes, {
      message: (message) => {
        const { id, method } = message as { readonly id: RequestId; readonly method: string };
        if (kindOf(message) === 'notification') heard(method);
        else if (kindOf(message) === 'request') this.#refuse(id, method);
      },
      ended: (status) => {
        if (status === 200) again(); // Any other status: the server has no such stream.
      },
      failed: again,
    });
  }

  /** Tells the server that the handshake is complete; resolves when it has heard. */
  initialized(): Promise<void> {
    return this.#notify('notifications/initialized', undefined);
  }

  /** Ends the session; resolves when the server has heard. */
  async end(): Promise<void> {
    const { session } = this.#parts;
    if (session !== undefined && !this.hasLostSession) await this.#send('DELETE', undefined);
  }

  #loseSession(status: number, error: RpcError | undefined): boolean {
    const { session, sessionLost } = this.#parts;
    const says = status === 404 || (status === 400 && error?.code === ErrorCode.BadHttpRequest);
    if (session === undefined || !says) return false;
    this.hasLostSession = true;
    sessionLost();
    return true;
  }

  #message(id: number, method: string, params: Record<string, unknown>): TargetMessage {
    const source = NAME_SOURCE.get(method);
    const name = source === undefined ? undefined : params[source];
    const rpcName = typeof name === 'string' ? name : undefined;
    const headers = this.#versionHeaders();
    if (this.era === 'modern') {
      headers.push(['Mcp-Method', method]);
      if (rpcName !== undefined) headers.push(['Mcp-Name', encodeHeaderValue(rpcName)]);
      const mapped = method === 'tools/call' && rpcName !== undefined ? this.#parts.headerParams(rpcName) : undefined;
      if (mapped !== undefined) headers.push(...headerParamFields(mapped, params['arguments']));
    }
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    return { method: 'POST', headers, text, rpcMethod: method, rpcName, session: this.#parts.session };
  }

  #versionHeaders(): [string, string][] {
    return [['MCP-Protocol-Version', this.#parts.version]];
  }

  /** Clients of this endpoint offer nothing to servers of the legacy era. */
  #refuse(id: RequestId, method: string): void {
    const problem = `${method} is not available behind a merged endpoint`;
    void this.#send(
      'POST',
      method === 'ping' ? `${responsePrefix(id)}{}}` : errorText(id, ErrorCode.MethodNotFound, problem),
    );
  }

  #notify(method: string, params: object | undefined): Promise<void> {
    return this.#send('POST', notificationText(method, params));
  }

  /** Sends what needs no answer. */
  #send(method: 'POST' | 'DELETE', text: string | undefined): Promise<void> {
    const { target, session, maxMessageBytes } = this.#parts;
    const message = { method, headers: this.#versionHeaders(), text, session } as const;
    return new Promise((resolve) => {
      const done = (): void => resolve();
      exchangeMessages(target, message, maxMessageBytes, { message: () => {}, ended: done, failed: done });
    });
  }
}

interface ReadingHost {
  /** The server's name. */
  readonly name: string;
  refuse(id: RequestId, method: string): void;
  /** Whether such an answer means that the session is over. */
  loseSession(status: number, error: RpcError | undefined): boolean;
}

/** Reads the answer to one request. */
class AnswerReading implements TargetMessageSink {
  readonly #id: number;
  readonly #sink: PeerSink;
  readonly #host: ReadingHost;
  #status = 0;
  #settled = false;

  constructor(id: number, sink: PeerSink, host: ReadingHost) {
    this.#id = id;
    this.#sink = sink;
    this.#host = host;
  }

  /** Whether this is the end. */
  settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    return true;
  }

  head(status: number): void {
    this.#status = status;
  }

  message(message: unknown): void {
    const kind = kindOf(message);
    const { id, method, params, result, error } = message as Record<string, unknown>;
    if (kind === 'request') this.#host.refuse(id as RequestId, String(method));
    else if (this.#settled) return;
    else if (kind === 'notification') this.#sink.notification(String(method), isObject(params) ? params : undefined);
    else if (isObject(result) && id === this.#id && this.settle()) this.#sink.result(result);
    else if (isObject(error) && (id === this.#id || !isRequestId(id))) this.#error(error as unknown as RpcError);
  }

  ended(status: number): void {
    if (this.#settled) return;
    if (this.#host.loseSession(status, undefined)) this.failed(this.#sessionLost());
    else this.failed(unanswered(this.#host.name, status));
  }

  failed(failure: TargetFailure): void {
    if (failure.reason === 'session-gone') this.#host.loseSession(404, undefined);
    if (this.settle()) this.#sink.failed(failure);
  }

  #error(error: RpcError): void {
    if (this.#host.loseSession(this.#status, error)) this.failed(this.#sessionLost());
    else if (this.settle()) this.#sink.error(error);
  }

  #sessionLost(): TargetFailure {
    const message = `server "${this.#host.name}" has ended the session`;
    return { reason: 'session-gone', message, retryAfterSeconds: 1 };
  }
}

/** What it means that a server ended its answer without having given one. */
export function unanswered(name: string, status: number): TargetFailure {
  if (status === 503 || status === 429)
    return { reason: 'overloaded', message: `server "${name}" is overloaded`, retryAfterSeconds: 1 };
  if (status >= 300 && status < 500) return unavailable(`server "${name}" answered with HTTP status ${status}`);
  const what = status >= 500 ? `answered with HTTP status ${status}` : 'ended its answer early';
  return { reason: 'lost', message: `server "${name}" ${what}`, retryAfterSeconds: undefined };
}

export function unavailable(message: string): TargetFailure {
  return { reason: 'unavailable', message, retryAfterSeconds: 1 };
}

/** The headers of a modern request that stands alone. */
export function modernHeaders(method: string): [string, string][] {
  return [
    ['MCP-Protocol-Version', MODERN_VERSION],
    ['Mcp-Method', method],
  ];
}

function withToken(params: Record<string, unknown>, token: RequestId): Record<string, unknown> {
  return { ...params, _meta: { ...(params['_meta'] as object | undefined), progressToken: token } };
}
