import { numberOption, objectOption } from '../../kernel/options.ts';
import type { AlertKey } from '../vitals.ts';
import type { AlertThresholds } from './alert-engine.ts';
import { ALERT_RULES } from './alert-rules.ts';

/** Thresholds by key, in percent or milliseconds; `false` turns an alert off. */
export type AlertThresholdOptions = Partial<AlertThresholds>;

/** Checks thresholds and fills in the defaults. @throws {OptionError} */
export function resolveAlertThresholds(options: unknown): AlertThresholds {
  const given = objectOption(
    'alertThresholds',
    options,
    ALERT_RULES.map(({ key }) => key),
  );
  const entries = ALERT_RULES.map(({ key, threshold, max }): [AlertKey, number | false] => {
    const value = given[key];
    if (value === false) return [key, false];
    return [key, numberOption(`alertThresholds.${key}`, value, threshold, { min: 0, max })];
  });
  return Object.freeze(Object.fromEntries(entries)) as AlertThresholds;
}
