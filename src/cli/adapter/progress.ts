import { Presets, SingleBar } from 'cli-progress';
import type { Second } from '../../load/load.ts';

/** Shows how far a run is, on standard error, while that is a terminal. */
export interface ProgressBar {
  second(second: Second): void;
  stop(): void;
}

const FORMAT = '{bar} {percentage} %  {at}/{total} s  {rate}/s  p99 {p99} ms  {errors} errors';

/** @param total Seconds of all that will be told. */
export function createProgressBar(total: number): ProgressBar {
  const options = { format: FORMAT, stream: process.stderr, noTTYOutput: false, hideCursor: true, barsize: 24 };
  const bar = new SingleBar(options, Presets.shades_classic);
  let at = 0;
  let errors = 0;
  bar.start(Math.max(1, Math.round(total)), 0, { at: 0, rate: 0, p99: '-', errors: 0 });
  return {
    second(second) {
      errors += second.errors;
      const shown = { at: ++at, rate: second.answers, p99: (second.p99Us / 1_000).toFixed(1), errors };
      bar.update(Math.min(at, total), shown);
    },
    stop: () => bar.stop(),
  };
}
