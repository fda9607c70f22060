import type { Clock } from '../kernel/clock.ts';
import { type Random, systemRandom } from '../kernel/random.ts';
import {
  ConcurrencyLimiter,
  type ConcurrencyStatistics,
  classOf,
  type GuardStatistics,
  OverloadedError,
  OverloadGuard,
  RateLimitedError,
  RateLimiter,
  type RateOptions,
  type ResolvedOverload,
  type Ticket,
} from '../limit/limit.ts';
import type { RegisteredTool } from '../registry/registry.ts';
import type { LimitEvent, ShedClass, Signal } from '../signal/signal.ts';
import type { Call, MethodHandler } from './call.ts';
import { Refusal } from './result-writer.ts';
import { ToolLimiters } from './tool-limiters.ts';

export interface AdmissionParts {
  readonly overload: ResolvedOverload;
  readonly clock: Clock;
  readonly signal: Signal<LimitEvent>;
  readonly random?: Random;
}

/** What was let in and what was refused, of all requests and of tools that have limits of their own. */
export interface LimitStatistics extends GuardStatistics {
  /** Calls of tools under way and waiting by the server's own limits; nothing where it has none. */
  readonly server: ConcurrencyStatistics | undefined;
  readonly tools: { readonly [name: string]: ConcurrencyStatistics };
}

/** What a call of a tool holds until its handler has settled. */
export class ToolTicket implements Ticket {
  readonly #slots: readonly (Ticket | undefined)[];
  #guard: OverloadGuard | undefined;

  constructor(guard: OverloadGuard, ...slots: readonly (Ticket | undefined)[]) {
    this.#guard = guard;
    this.#slots = slots;
  }

  /** Its client has got an answer: it is no request in flight any more, and yet takes the place of a running call. */
  answered(): void {
    this.#guard?.release();
    this.#guard = undefined;
  }

  release(): void {
    for (const slot of [...this.#slots].reverse()) slot?.release();
    this.answered();
  }
}

/** Lets requests in, makes them wait, or refuses them before anything is done for them. */
export class Admission {
  /** HOT: asked for each call; guarded by `npm run bench`. */
  readonly guard: OverloadGuard;
  /** Whether every call of a tool is to be asked about by {@link enterTool}, not by the guard alone. */
  readonly limitsAll: boolean;
  readonly #slots: ConcurrencyLimiter | undefined;
  readonly #rate: RateLimiter | undefined;
  readonly #principalRate: RateLimiter | undefined;
  readonly #tools: ToolLimiters;

  constructor({ overload, clock, signal, random = systemRandom }: AdmissionParts) {
    const { concurrency, queue, timeoutMs, targetMs, windowMs, perPrincipal } = overload;
    this.guard = new OverloadGuard({ options: overload, clock, random, signal });
    const isBounded = concurrency !== Number.POSITIVE_INFINITY || perPrincipal.concurrency !== Number.POSITIVE_INFINITY;
    this.#slots = isBounded
      ? new ConcurrencyLimiter({
          ...(concurrency === Number.POSITIVE_INFINITY ? {} : { concurrency }),
          ...(perPrincipal.concurrency === Number.POSITIVE_INFINITY ? {} : { perPrincipal: perPrincipal.concurrency }),
          ...(overload.shed ? { delay: { targetMs, windowMs } } : {}),
          ...{ queue, timeoutMs, clock },
        })
      : undefined;
    const limiterOf = (rate: RateOptions | undefined) =>
      rate === undefined ? undefined : new RateLimiter({ ...rate, clock });
    this.#rate = limiterOf(overload.rate);
    this.#principalRate = limiterOf(perPrincipal.rate);
    this.#tools = new ToolLimiters(clock);
    this.limitsAll = isBounded || this.#rate !== undefined || this.#principalRate !== undefined;
  }

  /** A method's handler behind the guard. */
  guarded(shedClass: ShedClass, method: string, handler: MethodHandler): MethodHandler {
    const { guard } = this;
    return (params, call) => {
      this.enter(shedClass, method, call);
      let isLater = false;
      try {
        if (this.limitsAll) this.#takeTokens(undefined, shedClass, method, call);
        const answer = handler(params, call);
        if (!(answer instanceof Promise)) return answer;
        isLater = true;
        return answer.finally(() => guard.release());
      } finally {
        if (!isLater) guard.release();
      }
    };
  }

  /** Counts a request as in flight. @throws {Refusal} -32010 when it is refused. */
  enter(shedClass: ShedClass, target: string, call?: Call): void {
    if (!this.guard.enter(shedClass, call)) throw toAnswer(this.guard.refused(target));
  }

  /**
   * Lets in a call of a tool where more than the guard is to be asked.
   *
   * @returns What is held until its handler has settled; a promise where it had to wait.
   * @throws {Refusal} -32010, also later.
   */
  enterTool(tool: RegisteredTool, call: Call): ToolTicket | Promise<ToolTicket> {
    const shedClass = tool.compiled.limits?.essential === true ? 'essential' : 'tool';
    this.enter(shedClass, tool.name, call);
    let first: Ticket | undefined;
    let hasEntered = false;
    try {
      const own = this.#tools.of(tool);
      this.#takeTokens(own?.rate, shedClass, tool.name, call);
      const all = this.#slots;
      first = own?.slots?.tryEnter(call.principal);
      if (own?.slots !== undefined && first === undefined) {
        hasEntered = true;
        return this.#wait(own.slots, undefined, { tool, call, registered: shedClass });
      }
      const second = all?.tryEnter(call.principal);
      hasEntered = true;
      if (all !== undefined && second === undefined)
        return this.#wait(undefined, first, { tool, call, registered: shedClass });
      return this.#held(first, second);
    } finally {
      if (!hasEntered) this.guard.release();
    }
  }

  statistics(tools: Iterable<RegisteredTool>): LimitStatistics {
    return { ...this.guard.statistics(), server: this.#slots?.statistics(), tools: this.#tools.statistics(tools) };
  }

  close(): void {
    this.guard.close();
  }

  #held(first: Ticket | undefined, second: Ticket | undefined): ToolTicket {
    return new ToolTicket(this.guard, first, second);
  }

  /** Waits for the tool's slot, then for the server's: in this order everywhere, so that nobody waits in a circle. */
  async #wait(
    slots: ConcurrencyLimiter | undefined,
    held: Ticket | undefined,
    { tool, call, registered }: { readonly tool: RegisteredTool; readonly call: Call; readonly registered: ShedClass },
  ): Promise<ToolTicket> {
    let first = held;
    const shedClass = classOf(registered, call);
    try {
      const options = { signal: call.signal, shedClass };
      first ??= await slots?.enter(call.principal, options);
      return this.#held(first, await this.#slots?.enter(call.principal, options));
    } catch (error) {
      first?.release();
      this.guard.release();
      if (!(error instanceof OverloadedError)) throw error;
      this.guard.countShed(error.reason, shedClass, tool.name);
      throw toAnswer(error);
    }
  }

  /** A token of each rate, or of none when one has none left. */
  #takeTokens(own: RateLimiter | undefined, shedClass: ShedClass, target: string, { principal }: Call): void {
    const waitMs = Math.max(own?.waitMs() ?? 0, this.#rate?.waitMs() ?? 0, this.#principalRate?.waitMs(principal) ?? 0);
    if (waitMs > 0) {
      this.guard.countShed('rate', shedClass, target);
      throw toAnswer(new RateLimitedError(waitMs));
    }
    own?.take();
    this.#rate?.take();
    this.#principalRate?.take(principal);
  }
}

function toAnswer({ message, retryAfterMs }: OverloadedError | RateLimitedError): Refusal {
  const text = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
  return new Refusal(text, retryAfterMs);
}
