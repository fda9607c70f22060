/** What instances did in the time since the sample before. */
export interface LoadSample {
  /** Instances that serve, and those that have been started and do not serve yet. */
  readonly instances: number;
  readonly starting: number;
  /** Utilizations of their event loops, added up: 1.5 is one and a half loops that never rest. */
  readonly utilization: number;
  /** How long what waits would take one instance, in seconds. */
  readonly backlogSeconds: number;
  /** Requests refused for overload, per second. */
  readonly shedPerSecond: number;
  /** What one request costs on average, in seconds of an event loop. */
  readonly meanCostSeconds: number;
}

/** A recommendation to change the number of instances; told once, until another number is recommended. */
export interface ScaleRecommendation {
  readonly direction: 'up' | 'down';
  readonly from: number;
  readonly to: number;
  /** The same as `to`. */
  readonly recommendedInstances: number;
  readonly reason: string;
  /** Seconds that the deciding mean was taken over. */
  readonly window: number;
}
