import { OptionError } from '../../kernel/errors.ts';
import { type Logger, loggerOption } from '../../kernel/logger.ts';
import { integerOption, numberOption, objectOption, stringListOption, stringOption } from '../../kernel/options.ts';
import type { ProfileKind } from '../../kernel/profiler.ts';
import type { AlertKey } from '../vitals.ts';
import type { AlertThresholds } from './alert-engine.ts';
import type { ProfileSettings } from './alert-profiles.ts';
import { ALERT_RULES } from './alert-rules.ts';
import type { WebhookSettings } from './webhook.ts';

/** Thresholds by key, in percent or milliseconds; `false` turns an alert off. */
export type AlertThresholdOptions = Partial<AlertThresholds>;

/** Where alerts go besides the event `alert` and the dashboard. */
export interface AlertOptions {
  /** Gets a line when one fires or clears: a pino logger, or `false` for none. @default JSON lines on stderr */
  readonly logger?: Logger | false;
  readonly webhook?: AlertWebhookOptions;
  readonly profile?: AlertProfileOptions;
}

/** Alerts are posted as JSON. */
export interface AlertWebhookOptions {
  readonly url: string;
  /** Signs each delivery; 16 characters at least. */
  readonly secret?: string;
  /** Longest wait for an answer, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number;
  /** How often a delivery that failed is tried again. @default 5 */
  readonly retries?: number;
}

/** A profile is written when CPU usage, response time or memory usage fires. */
export interface AlertProfileOptions {
  readonly directory: string;
  /** @default ['cpu', 'heap'] */
  readonly kinds?: readonly ProfileKind[];
  /** How long one takes. @default 10 */
  readonly seconds?: number;
  /** Files that are kept, the newest. @default 5 */
  readonly atMost?: number;
}

export interface ResolvedAlerts {
  readonly thresholds: AlertThresholds;
  readonly logger: Logger;
  readonly webhook: WebhookSettings | undefined;
  readonly profile: ProfileSettings | undefined;
}

const KINDS: readonly ProfileKind[] = ['cpu', 'heap'];
const MIN_SECRET = 16;

/** Checks both keys of the configuration and fills in the defaults. @throws {OptionError} */
export function resolveAlerts(alertThresholds: unknown, alerts: unknown): ResolvedAlerts {
  const given = objectOption('alerts', alerts, ['logger', 'webhook', 'profile']);
  return Object.freeze({
    thresholds: resolveAlertThresholds(alertThresholds),
    logger: loggerOption('alerts.logger', given.logger),
    webhook: given.webhook === undefined ? undefined : resolveWebhook(given.webhook),
    profile: given.profile === undefined ? undefined : resolveProfile(given.profile),
  });
}

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

function resolveWebhook(options: unknown): WebhookSettings {
  const given = objectOption('alerts.webhook', options, ['url', 'secret', 'timeoutMs', 'retries']);
  return Object.freeze({
    url: checkUrl(given.url),
    secret: checkSecret(given.secret),
    timeoutMs: integerOption('alerts.webhook.timeoutMs', given.timeoutMs, 10_000, { min: 1, max: 600_000 }),
    retries: integerOption('alerts.webhook.retries', given.retries, 5, { min: 0, max: 100 }),
  });
}

/** Neither a URL, whose path may be a secret, nor a secret is shown in an error. */
function checkUrl(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url !== null && isHttp && url.username === '' && url.password === '') return url.href;
  throw new OptionError(
    'alerts.webhook.url',
    'must be a URL of http: or https: without user and password',
    kindOf(value),
  );
}

function checkSecret(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length >= MIN_SECRET)) return value;
  throw new OptionError(
    'alerts.webhook.secret',
    `must be a string of at least ${MIN_SECRET} characters`,
    kindOf(value),
  );
}

function kindOf(value: unknown): string {
  return typeof value === 'string' ? `a string of ${value.length} characters` : `a ${typeof value}`;
}

function resolveProfile(options: unknown): ProfileSettings {
  const given = objectOption('alerts.profile', options, ['directory', 'kinds', 'seconds', 'atMost']);
  const kinds = stringListOption('alerts.profile.kinds', given.kinds, KINDS) as readonly ProfileKind[];
  if (!kinds.every((kind) => KINDS.includes(kind)))
    throw new OptionError('alerts.profile.kinds', 'must be a list of "cpu" and "heap"', given.kinds);
  return Object.freeze({
    directory: stringOption('alerts.profile.directory', given.directory),
    kinds,
    seconds: integerOption('alerts.profile.seconds', given.seconds, 10, { min: 1, max: 600 }),
    atMost: integerOption('alerts.profile.atMost', given.atMost, 5, { min: 1, max: 1_000 }),
  });
}
