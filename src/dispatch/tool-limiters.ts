import type { Clock } from '../kernel/clock.ts';
import { ConcurrencyLimiter, type ConcurrencyStatistics, RateLimiter } from '../limit/limit.ts';
import type { RegisteredTool, ResolvedToolLimits } from '../registry/registry.ts';

/** What enforces the limits of one tool. */
export interface ToolLimiter {
  readonly limits: ResolvedToolLimits;
  readonly slots: ConcurrencyLimiter | undefined;
  readonly rate: RateLimiter | undefined;
}

/** The limiters of tools that have limits. One stays as it is while its tool is changed in other ways. */
export class ToolLimiters {
  readonly #clock: Clock;
  readonly #known = new WeakMap<RegisteredTool, ToolLimiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(tool: RegisteredTool): ToolLimiter | undefined {
    const { limits } = tool.compiled;
    if (limits === undefined) return undefined;
    const known = this.#known.get(tool);
    if (known?.limits === limits) return known;
    const isSame = known !== undefined && JSON.stringify(known.limits) === JSON.stringify(limits);
    const made = isSame ? { ...known, limits } : this.#make(limits);
    this.#known.set(tool, made);
    return made;
  }

  /** Those that limit how much is done at once, by the names of their tools. */
  statistics(tools: Iterable<RegisteredTool>): { readonly [name: string]: ConcurrencyStatistics } {
    const all: [string, ConcurrencyStatistics][] = [];
    for (const tool of tools) {
      const slots = this.of(tool)?.slots;
      if (slots !== undefined) all.push([tool.name, slots.statistics()]);
    }
    return Object.fromEntries(all);
  }

  #make(limits: ResolvedToolLimits): ToolLimiter {
    const { concurrency, queue, timeoutMs, ratePerSecond } = limits;
    const clock = this.#clock;
    return {
      limits,
      slots:
        concurrency === Number.POSITIVE_INFINITY
          ? undefined
          : new ConcurrencyLimiter({ concurrency, queue, timeoutMs, clock }),
      rate: ratePerSecond === undefined ? undefined : new RateLimiter({ requestsPerSecond: ratePerSecond, clock }),
    };
  }
}
