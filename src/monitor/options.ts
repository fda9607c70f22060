import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption } from '../kernel/options.ts';
import { Access, type AccessOptions } from './access.ts';
import { type OtlpOptions, type ResolvedOtlp, resolveOtlp } from './otlp-options.ts';

/** Where a server's monitor can be read. */
export interface MonitorOptions extends AccessOptions {
  /** Port of `/metrics`, `/livez` and `/readyz`; 0 takes any free one. @default 9090 */
  readonly prometheusPort?: number | false;
  /** Port of the dashboard; 0 takes any free one. @default 3001 */
  readonly dashboardPort?: number | false;
  /** Sends metrics and traces to an OpenTelemetry collector. */
  readonly otlp?: OtlpOptions;
}

export interface ResolvedMonitorOptions {
  /** What is counted: all there is, only requests, or not even these. */
  readonly counts: 'all' | 'requests' | 'nothing';
  readonly access: Access;
  /** Nothing where it is not served. */
  readonly prometheusPort: number | undefined;
  readonly dashboardPort: number | undefined;
  readonly otlp: ResolvedOtlp | undefined;
}

const KEYS = ['host', 'token', 'prometheusPort', 'dashboardPort', 'otlp'] as const;

/** Checks the options; `true` stands for the defaults, nothing for no monitor, `false` for not even counting requests. @throws {OptionError} */
export function resolveMonitorOptions(options: unknown): ResolvedMonitorOptions {
  if (options === undefined || options === false) {
    const access = new Access({ host: undefined, token: undefined }, 'monitor');
    const counts = options === false ? 'nothing' : 'requests';
    return Object.freeze({ counts, access, prometheusPort: undefined, dashboardPort: undefined, otlp: undefined });
  }
  if (options !== true && (typeof options !== 'object' || options === null || Array.isArray(options)))
    throw new OptionError('monitor', 'must be true, false or an object', options);
  const given = objectOption('monitor', options === true ? {} : options, KEYS);
  const access = new Access({ host: given.host, token: given.token }, 'monitor');
  const prometheusPort = portOption('monitor.prometheusPort', given.prometheusPort, 9_090);
  const dashboardPort = portOption('monitor.dashboardPort', given.dashboardPort, 3_001);
  if (prometheusPort !== undefined && prometheusPort === dashboardPort && prometheusPort !== 0)
    throw new OptionError('monitor.dashboardPort', 'must differ from monitor.prometheusPort', dashboardPort);
  const otlp = resolveOtlp(given.otlp);
  return Object.freeze({ counts: 'all', access, prometheusPort, dashboardPort, otlp });
}

function portOption(name: string, value: unknown, fallback: number): number | undefined {
  return value === false ? undefined : integerOption(name, value, fallback, { min: 0, max: 65_535 });
}
