import { createHmac } from 'node:crypto';
import { type Backoff, nextDelay } from '../../kernel/backoff.ts';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { AlertRecord } from '../vitals.ts';
import { alertText } from './alert-text.ts';

/** The part of the web's `fetch` that a webhook needs. */
export type PostRequest = (
  url: string,
  init: {
    readonly method: 'POST';
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly status: number; readonly body: { cancel(): Promise<void> } | null }>;

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
}

export interface WebhookParts {
  readonly settings: WebhookSettings;
  /** Whose alerts these are. */
  readonly server: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly post: PostRequest;
  readonly logger: Logger;
}

interface Delivery {
  /** Equal for all tries: by it a receiver knows what it has had already. */
  readonly id: string;
  readonly body: string;
  tries: number;
  isGivenUp: boolean;
}

const MAX_WAITING = 100;
const BACKOFF: Backoff = { firstMs: 1_000, maxMs: 60_000 };
/** Statuses of a request that may succeed as it is. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 425, 429]);

/** Posts alerts to a URL, one after the other in their order, and tries again what fails. */
export class Webhook {
  readonly #parts: WebhookParts;
  readonly #waiting: Delivery[] = [];
  readonly #startedAt: number;
  #current: Delivery | undefined;
  #cancelRetry: CancelTimer | undefined;
  #abort: AbortController | undefined;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.wallNow();
  }

  /** How many wait, that which is under way included. */
  get pending(): number {
    return this.#waiting.length + (this.#current === undefined ? 0 : 1);
  }

  send(alert: AlertRecord): void {
    const { server } = this.#parts;
    const id = `${this.#startedAt}-${alert.id}-${alert.state}`;
    const body = JSON.stringify({ type: 'alert', id, server, text: alertText(alert), alert });
    this.#waiting.push({ id, body, tries: 0, isGivenUp: false });
    if (this.#waiting.length > MAX_WAITING) this.#giveUp(this.#waiting.shift(), 'too many wait');
    this.#next();
  }

  /** What waits is given up, and what is under way. */
  close(): void {
    if (this.#current !== undefined) this.#current.isGivenUp = true;
    this.#abort?.abort(new Error('the server stops'));
    if (this.#cancelRetry !== undefined) {
      this.#cancelRetry();
      this.#cancelRetry = undefined;
      this.#giveUp(this.#current, 'the server stops');
      this.#current = undefined;
    }
    for (const delivery of this.#waiting.splice(0)) this.#giveUp(delivery, 'the server stops');
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) void this.#try(this.#current);
  }

  async #try(delivery: Delivery): Promise<void> {
    const { clock, random, settings } = this.#parts;
    this.#cancelRetry = undefined;
    const problem = await this.#post(delivery);
    delivery.tries++;
    if (problem?.isPassing && !delivery.isGivenUp && delivery.tries <= settings.retries) {
      this.#cancelRetry = clock.after(nextDelay(BACKOFF, delivery.tries - 1, random), () => void this.#try(delivery));
      return;
    }
    if (problem !== undefined) this.#giveUp(delivery, problem.text);
    this.#current = undefined;
    this.#next();
  }

  /** Makes one try. Never rejects: says what went wrong, and whether that may pass. */
  async #post(delivery: Delivery): Promise<{ readonly text: string; readonly isPassing: boolean } | undefined> {
    const { clock, post, settings } = this.#parts;
    const abort = new AbortController();
    this.#abort = abort;
    const cancel = clock.after(settings.timeoutMs, () =>
      abort.abort(new Error(`no answer within ${settings.timeoutMs} ms`)),
    );
    const aborted = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
    });
    aborted.catch(() => {}); // It may come when nobody waits any more.
    try {
      const { id, body } = delivery;
      const headers = { 'content-type': 'application/json', 'peregrine-delivery': id, ...this.#signature(body) };
      const request = post(settings.url, { method: 'POST', headers, body, redirect: 'manual', signal: abort.signal });
      const answer = await Promise.race([request, aborted]);
      answer.body?.cancel().catch(() => {}); // Its status is all that counts.
      const { status } = answer;
      if (status >= 200 && status < 300) return undefined;
      return { text: `status ${status}`, isPassing: status >= 500 || MAY_PASS.has(status) };
    } catch (error) {
      return { text: toMessage(error), isPassing: true };
    } finally {
      cancel();
    }
  }

  /** `t` is when it was signed, in seconds: receivers refuse what is old. */
  #signature(body: string): Record<string, string> {
    const { clock, settings } = this.#parts;
    if (settings.secret === undefined) return {};
    const seconds = Math.floor(clock.wallNow() / 1_000);
    const digest = createHmac('sha256', settings.secret).update(`${seconds}.${body}`).digest('hex');
    return { 'peregrine-signature': `t=${seconds},v1=${digest}` };
  }

  /** The path of a URL may be a secret of its own: only its origin is named. */
  #giveUp(delivery: Delivery | undefined, reason: string): void {
    if (delivery === undefined) return;
    const { origin } = new URL(this.#parts.settings.url);
    const details = { webhook: origin, delivery: delivery.id, tries: delivery.tries };
    this.#parts.logger.warn(details, `an alert was not delivered to ${origin}: ${reason}`);
  }
}
