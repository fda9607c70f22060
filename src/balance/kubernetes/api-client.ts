import { type Clock, systemClock } from '../../kernel/clock.ts';
import { PeregrineError, toMessage } from '../../kernel/errors.ts';
import type { ResolvedApiOptions } from './api-options.ts';
import { type ApiAnswer, type ApiRequest, type ApiTransport, createApiTransport } from './api-transport.ts';

/** What all objects of the API have; further fields are those of their kind. */
export interface ApiObject {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
}

/** One line of a watch. */
export interface WatchEvent<T extends ApiObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** `KUBERNETES_API`: the API refused a request, or could not be asked; then there is no status. */
export class KubernetesApiError extends PeregrineError {
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string, cause?: unknown) {
    super('KUBERNETES_API', message, { cause, retryable: status === undefined || status === 429 || status >= 500 });
    this.status = status;
  }
}

/** Whether an error says that the API answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof KubernetesApiError && error.status === status;
}

interface Content {
  readonly type: string;
  readonly body: object;
}

/** How long an answer may take, and how long a token is used before its file is read again. */
const TIMEOUT_MS = 10_000;
const TOKEN_MS = 60_000;

/** Asks the API of a cluster. */
export class ApiClient {
  readonly namespace: string;
  readonly #readToken: () => Promise<string | undefined>;
  readonly #transport: ApiTransport;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #token: { readonly text: string | undefined; readonly readAt: number } | undefined;

  constructor(
    { apiServer, ca, namespace, readToken }: ResolvedApiOptions,
    parts: { readonly clock?: Clock; readonly transport?: ApiTransport } = {},
  ) {
    this.namespace = namespace;
    this.#readToken = readToken;
    this.#clock = parts.clock ?? systemClock;
    this.#transport = parts.transport ?? createApiTransport(apiServer, ca);
  }

  get<T>(path: string): Promise<T> {
    return this.#ask('GET', path, undefined, TIMEOUT_MS);
  }

  create<T>(path: string, body: object): Promise<T> {
    return this.#ask('POST', path, { type: 'application/json', body }, TIMEOUT_MS);
  }

  replace<T>(path: string, body: object): Promise<T> {
    return this.#ask('PUT', path, { type: 'application/json', body }, TIMEOUT_MS);
  }

  /** Changes the named fields alone. @param withinMs It is given up after this time. */
  patch<T>(path: string, body: object, withinMs: number): Promise<T> {
    return this.#ask('PATCH', path, { type: 'application/merge-patch+json', body }, Math.min(withinMs, TIMEOUT_MS));
  }

  /** Reads a watch until the API, or the signal, ends it. The path has its query. */
  async *watch<T extends ApiObject>(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const abort = new AbortController();
    const end = (): void => abort.abort();
    signal.addEventListener('abort', end);
    // The head comes at once; the events may take their time.
    const cancel = this.#clock.after(TIMEOUT_MS, end);
    try {
      const answer = await this.#send('GET', path, undefined, abort.signal);
      cancel();
      for await (const line of linesOf(answer.body)) yield JSON.parse(line);
    } catch (error) {
      throw toApiError('GET', path, error);
    } finally {
      cancel();
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** Ends all requests; none can be made any more. */
  close(): void {
    this.#closing.abort();
    this.#transport.close();
  }

  async #ask<T>(method: ApiRequest['method'], path: string, content: Content | undefined, ms: number): Promise<T> {
    const abort = new AbortController();
    const cancel = this.#clock.after(ms, () => abort.abort());
    try {
      const answer = await this.#send(method, path, content, abort.signal);
      return JSON.parse(await textOf(answer.body));
    } catch (error) {
      throw toApiError(method, path, error);
    } finally {
      cancel();
    }
  }

  /** Sends with the token; one that is refused may have been rotated before its file was read again. */
  async #send(
    method: ApiRequest['method'],
    path: string,
    content: Content | undefined,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    for (let isSecond = false; ; isSecond = true) {
      const token = await this.#currentToken();
      const headers = {
        Accept: 'application/json',
        'User-Agent': 'peregrine',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(content === undefined ? {} : { 'Content-Type': content.type }),
      };
      const body = content === undefined ? undefined : JSON.stringify(content.body);
      const answer = await this.#transport.send({ method, path, headers, body, signal: ending });
      if (answer.status < 300) return answer;
      const text = await textOf(answer.body);
      if (answer.status === 401) this.#token = undefined;
      if (answer.status === 401 && !isSecond && (await this.#currentToken()) !== token) continue;
      throw new KubernetesApiError(answer.status, `${method} ${path}: ${answer.status} ${reasonOf(text)}`);
    }
  }

  async #currentToken(): Promise<string | undefined> {
    const now = this.#clock.now();
    if (this.#token === undefined || now - this.#token.readAt >= TOKEN_MS)
      this.#token = { text: await this.#readToken(), readAt: now };
    return this.#token.text;
  }
}

function toApiError(method: string, path: string, error: unknown): KubernetesApiError {
  if (error instanceof KubernetesApiError) return error;
  const reason = (error as { readonly name?: unknown } | null)?.name === 'AbortError' ? 'no answer' : toMessage(error);
  return new KubernetesApiError(undefined, `${method} ${path}: ${reason}`, error);
}

/** The message of a `Status`, which is what refusals are; proxies on the way have answers of their own. */
function reasonOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === 'string') return message;
  } catch {}
  return text.slice(0, 200).replace(/\s+/g, ' ');
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}
