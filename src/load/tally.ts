import { LatencyHistogram } from './latency-histogram.ts';
import { TimeLine } from './time-line.ts';

/** Most kinds of errors that are told apart. */
const MAX_KINDS = 64;

/** Counts what came of the requests. */
export class Tally {
  readonly latency = new LatencyHistogram();
  readonly operations: readonly { readonly name: string; errors: number; readonly latency: LatencyHistogram }[];
  readonly errors = new Map<string, number>();
  readonly timeLine = new TimeLine();
  answers = 0;
  failures = 0;
  bodyBytes = 0;

  constructor(operations: readonly string[]) {
    this.operations = operations.map((name) => ({ name, errors: 0, latency: new LatencyHistogram() }));
  }

  /** An answer. `wrong` says what is wrong with it. HOT: each answer; guarded by `bench/load/check-against-wrk.ts`. */
  answered(operation: number, ns: number, bytes: number, wrong: string | undefined): void {
    this.answers++;
    this.bodyBytes += bytes;
    this.latency.record(ns);
    this.timeLine.answered(ns);
    const counted = this.operations[operation];
    counted?.latency.record(ns);
    if (wrong !== undefined) this.failed(operation, wrong);
  }

  /** Adds what another run of the same operations found. */
  merge(other: Tally): void {
    this.answers += other.answers;
    this.failures += other.failures;
    this.bodyBytes += other.bodyBytes;
    this.latency.merge(other.latency);
    this.timeLine.merge(other.timeLine);
    for (const [index, operation] of this.operations.entries()) {
      const more = other.operations[index];
      if (more === undefined) continue;
      operation.errors += more.errors;
      operation.latency.merge(more.latency);
    }
    for (const [kind, count] of other.errors) this.errors.set(kind, (this.errors.get(kind) ?? 0) + count);
  }

  /** A request that was answered wrongly, or not at all. */
  failed(operation: number | undefined, reason: string): void {
    this.failures++;
    this.timeLine.failed();
    const counted = operation === undefined ? undefined : this.operations[operation];
    if (counted !== undefined) counted.errors++;
    const kind = this.errors.has(reason) || this.errors.size < MAX_KINDS ? reason : 'others';
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
  }
}
