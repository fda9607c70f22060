import type { NeedName } from '../../test/services/install.ts';
import type { Scenario } from '../scenarios/scenarios.ts';
import type { Toolset } from '../servers/toolsets.ts';
import type { ExtraResult, SuiteTime } from './extra.ts';

/** One line of a suite's table: who answers what. */
export interface Row {
  readonly contender: string;
  readonly toolset: Toolset;
  readonly scenario: Scenario;
  /** Rows of one group are measured in slices in turns: they are compared with one another. */
  readonly group: string;
  /** Longest measured part, in milliseconds, whatever the count has reached. @default the suite's */
  readonly measuredMs?: number;
}

/** A goal compares the CPU time per request of two rows of one round. */
export interface Goal {
  readonly title: string;
  readonly row: Row;
  readonly reference: Row;
  /** Met when the median over the rounds of row / reference is at most this. */
  readonly atMost: number;
}

export interface Suite {
  readonly name: string;
  /** Programs that its contenders start. @default none */
  readonly needs?: readonly NeedName[];
  /** In the order of a round: rows that are compared with one another stand side by side. */
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  readonly connections: number;
  /** Aimed at in the measured part; slow contenders stop earlier by time. */
  readonly requests: number;
  readonly measuredMs: number;
  /** Aimed at for one round, in milliseconds: on a busy machine the measured parts shrink to keep it. */
  readonly roundMs: number;
  /** Into how many slices a row's measured part is cut. */
  readonly slices: number;
  /** What the suite measures beside its rows, once, after them. */
  readonly extra?: (time: SuiteTime) => Promise<ExtraResult>;
  readonly warmUp: { readonly requests: number; readonly ms: number };
}

/** A suite that measures in its own way alone, without rows of servers under load. */
export function ownSuite(name: string, extra: (time: SuiteTime) => Promise<ExtraResult>): Suite {
  const unused = { connections: 1, requests: 1, measuredMs: 1, roundMs: 1, slices: 1, warmUp: { requests: 1, ms: 1 } };
  return { name, rows: [], goals: [], extra, ...unused };
}

export function rowKey({ contender, toolset, scenario }: Row): string {
  return `${contender}:${toolset}:${scenario}`;
}
