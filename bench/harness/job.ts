import type { LoadResult } from '../load/closed-loop.ts';
import type { Scenario } from '../scenarios/scenarios.ts';
import type { Toolset } from '../servers/toolsets.ts';

/** What the generator process is asked to do, as one line of JSON on its stdin. */
export interface LoadJob {
  readonly port: number;
  /** Process whose CPU time is read at both ends of the measured part. */
  readonly serverPid: number;
  readonly toolset: Toolset;
  readonly scenario: Scenario;
  /** The server answers every request with the same bytes: this many. */
  readonly fixedBytes: number | undefined;
  readonly connections: number;
  readonly warmUp: { readonly requests: number; readonly ms: number };
}

/** A slice to measure, as one line of JSON on the generator's stdin, once it is ready. */
export interface SliceJob {
  readonly requests: number;
  readonly ms: number;
}

/** What the generator answers, as one line of JSON on its stdout: whether it is ready, then each slice. */
export type LoadReply =
  | { readonly kind: 'wrong'; readonly difference: string }
  | {
      readonly kind: 'ready';
      /** Answers compared with what they should be, before timing. */
      readonly asserted: number;
      readonly warmUpRequests: number;
    }
  | {
      readonly kind: 'slice';
      readonly load: LoadResult;
      readonly serverCpuUs: number;
      readonly generatorCpuUs: number;
    };
