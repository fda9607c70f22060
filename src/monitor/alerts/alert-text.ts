import type { AlertRecord } from '../vitals.ts';
import { ALERT_RULES } from './alert-rules.ts';

/** An alert in one line: `Pool utilization of "main" is 97 %, above 90 %`. */
export function alertText({ key, subject, instance, state, value, threshold }: AlertRecord): string {
  const rule = ALERT_RULES.find((one) => one.key === key);
  const of = subject === '' ? '' : ` of "${subject}"`;
  const on = instance === '' ? '' : ` on instance ${instance}`;
  const figure = (number: number): string => `${Math.round(number * 10) / 10} ${rule?.unit ?? ''}`.trim();
  const what = `${rule?.title ?? key}${of}${on} is ${figure(value)}`;
  if (state === 'cleared') return `${what} again (threshold ${figure(threshold)})`;
  return `${what}, ${rule?.isBelow ? 'below' : 'above'} ${figure(threshold)}`;
}
