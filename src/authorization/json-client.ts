import type { Clock } from '../kernel/clock.ts';
import { isObject } from '../wire/wire.ts';
import { CheckUnavailable } from './access.ts';

/** A request to an authorization server. */
export interface AuthorizationRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly redirect: 'error';
  readonly signal: AbortSignal;
  readonly maxResponseBytes: number;
}

/** Calls an authorization server; `server.http.fetch` can be handed in. */
export type AuthorizationFetch = (url: string, request: AuthorizationRequest) => Promise<Response>;

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1_048_576;

/** Reads JSON objects of authorization servers. They are believed only where they are asked: redirections are not followed. */
export class JsonClient {
  readonly #fetch: AuthorizationFetch;
  readonly #clock: Clock;

  constructor(fetch: AuthorizationFetch, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** @throws {CheckUnavailable} whatever went wrong. */
  async read(
    url: string,
    form?: { readonly body: string; readonly authorization: string },
  ): Promise<Record<string, unknown>> {
    const controller = new AbortController();
    const cancel = this.#clock.after(TIMEOUT_MS, () => controller.abort(new Error('timed out')));
    const content =
      form === undefined
        ? { headers: { accept: 'application/json' } }
        : {
            method: 'POST',
            headers: {
              accept: 'application/json',
              'content-type': 'application/x-www-form-urlencoded',
              authorization: form.authorization,
            },
            body: form.body,
          };
    try {
      const bounds = { redirect: 'error', signal: controller.signal, maxResponseBytes: MAX_BYTES } as const;
      const response = await this.#fetch(url, { ...content, ...bounds });
      const answer: unknown = response.ok ? await response.json() : undefined;
      if (!response.ok) await response.body?.cancel();
      if (!isObject(answer)) throw new Error(response.ok ? 'it answered no object' : `it answered ${response.status}`);
      return answer;
    } catch (cause) {
      throw new CheckUnavailable(`cannot read ${url}`, { cause });
    } finally {
      cancel();
    }
  }
}
