import { OptionError } from '../../kernel/errors.ts';
import { integerOption, numberOption, objectOption } from '../../kernel/options.ts';

/** When there are to be more instances, or fewer. Every key is checked at construction. */
export interface AutoscalerOptions {
  /** Fewest instances that are recommended. @default 2 */
  readonly minInstances?: number;
  /** Most of them. @default 16 */
  readonly maxInstances?: number;
  /** Demand per instance, in event loops, above which there are to be more. @default 0.8 */
  readonly scaleUpAt?: number;
  /** Demand per instance below which there are to be fewer. @default 0.3 */
  readonly scaleDownAt?: number;
  /** Demand per instance that their number aims at; between the two. @default 0.6 */
  readonly target?: number;
}

const DEFAULTS: Required<AutoscalerOptions> = Object.freeze({
  minInstances: 2,
  maxInstances: 16,
  scaleUpAt: 0.8,
  scaleDownAt: 0.3,
  target: 0.6,
});
export const AUTOSCALER_KEYS = Object.freeze(Object.keys(DEFAULTS)) as readonly (keyof AutoscalerOptions)[];

const MOST = 10_000;

/** Checks an autoscaler's options and fills in the defaults. @param option What errors call them. @throws {OptionError} */
export function resolveAutoscalerOptions(
  options: AutoscalerOptions | undefined,
  option = 'scaling',
): Required<AutoscalerOptions> {
  const given = objectOption(option, options, AUTOSCALER_KEYS);
  const minInstances = integerOption(`${option}.minInstances`, given.minInstances, DEFAULTS.minInstances, {
    min: 1,
    max: MOST,
  });
  const fallback = Math.max(DEFAULTS.maxInstances, minInstances);
  const share = (key: 'scaleUpAt' | 'scaleDownAt' | 'target', min: number): number =>
    numberOption(`${option}.${key}`, given[key], DEFAULTS[key], { min, max: 1 });
  const scaleUpAt = share('scaleUpAt', 0.01);
  const scaleDownAt = share('scaleDownAt', 0);
  const target = share('target', 0.01);
  if (target > scaleUpAt) throw new OptionError(`${option}.target`, `must be at most scaleUpAt, ${scaleUpAt}`, target);
  if (target < scaleDownAt)
    throw new OptionError(`${option}.target`, `must be at least scaleDownAt, ${scaleDownAt}`, target);
  const maxInstances = integerOption(`${option}.maxInstances`, given.maxInstances, fallback, {
    min: minInstances,
    max: MOST,
  });
  return Object.freeze({ minInstances, maxInstances, scaleUpAt, scaleDownAt, target });
}
