import type { InstancePlace } from '../kernel/instance-place.ts';
import type { FromInstance, ToInstance } from './messages.ts';

/** How an instance ended. */
export interface InstanceExit {
  /** `code 1`, `SIGKILL`, or what it threw. */
  readonly cause: string;
  /** Whether it ended by its own decision and without a failure. */
  readonly isClean: boolean;
}

export interface InstanceListener {
  onMessage(message: FromInstance): void;
  /** The last that is heard. */
  onExit(exit: InstanceExit): void;
}

/** An instance that has been launched. */
export interface LaunchedInstance {
  /** Of its process; of a thread that of the supervisor. */
  readonly pid: number;
  /** Does nothing once it has ended. */
  send(message: ToInstance): void;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

/** Starts instances. */
export interface Launcher {
  readonly kind: 'process' | 'thread';
  launch(place: InstancePlace, listener: InstanceListener): LaunchedInstance;
}

/** The program that every instance runs. */
export interface Program {
  /** Absolute path of its main module. */
  readonly file: string;
  readonly args: readonly string[];
  /** Arguments for Node.js itself. */
  readonly execArgv: readonly string[];
}
