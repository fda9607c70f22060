import { resolveStdioOptions, type StdioOptions } from '../stdio/stdio-options.ts';
import { StdioTarget } from '../stdio/stdio-target.ts';
import type { Backing, BackingParts, BackingStatistics, PreparedBacking, ResolvedBacking } from './backing.ts';

/** Processes that speak over stdio as they are configured. */
export class ResolvedStdioBacking implements ResolvedBacking {
  readonly options: StdioOptions;
  readonly fingerprint: string;

  /** @throws {OptionError} */
  constructor(at: string, name: string, settings: unknown) {
    this.options = { ...(settings as StdioOptions), name };
    this.fingerprint = JSON.stringify(settings);
    resolveStdioOptions(this.options, at);
  }

  async prepare(before: Backing | undefined, parts: BackingParts): Promise<PreparedBacking> {
    const kept = before instanceof StdioBacking && before.fingerprint === this.fingerprint ? before : undefined;
    return { abandon: () => {}, commit: () => kept ?? new StdioBacking(this, parts) };
  }
}

class StdioBacking implements Backing {
  readonly target: StdioTarget;
  readonly fingerprint: string;

  constructor({ options, fingerprint }: ResolvedStdioBacking, parts: BackingParts) {
    this.target = new StdioTarget(options, parts);
    this.fingerprint = fingerprint;
  }

  statistics(): BackingStatistics {
    return { processes: this.target.pids };
  }

  async retire(successor: Backing | undefined, deadlineMs: number): Promise<void> {
    if (successor !== this) await this.target.close(deadlineMs);
  }
}
