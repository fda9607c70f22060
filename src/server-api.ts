import type { ScaleRecommendation } from './balance/balance.ts';
import type { AlertRecord, PerformanceMetrics } from './monitor/monitor.ts';
import type { OptimizerReport } from './optimizer/optimizer.ts';
import type { TaskRunOptions } from './worker/worker.ts';

/** A recommendation to change the number of instances, and why. */
export type ScaleEvent = ScaleRecommendation;

/** The events of a server, by name. */
export interface ServerEvents {
  /** There should be more instances, or fewer: told once for each number, where the configuration has `scaling`. */
  'scale-up-needed': [ScaleEvent];
  'scale-down-needed': [ScaleEvent];
  /** An alert fired, or cleared. */
  alert: [AlertRecord];
  /** A handler failed, or the server did: what clients are not told. */
  fault: [{ readonly where: string; readonly error: unknown }];
}

/** What `OptimizedMCPServer.start` answers. */
export interface StartedServer {
  /** The endpoint, with the real port; nothing where the server does not listen. */
  readonly url: string | undefined;
}

/** A snapshot of how the server is doing, and of what the optimizer made of it. */
export interface ServerMetrics extends PerformanceMetrics {
  readonly optimizer: OptimizerReport;
}

/** Options of a task for the thread or process pool. */
export type CpuTaskOptions = TaskRunOptions;
