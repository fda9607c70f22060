import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Backoff } from '../kernel/backoff.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { type Logger, loggerOption } from '../kernel/logger.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import { integerOption, objectOption, stringListOption, stringOption } from '../kernel/options.ts';
import { type Random, systemRandom } from '../kernel/random.ts';
import type { Launcher } from './launcher.ts';

/** How a program is run as several instances. */
export interface SupervisorOptions {
  /** The program that starts a server, JavaScript or TypeScript. */
  readonly file: string;
  /** Arguments for it. @default none */
  readonly args?: readonly string[];
  /** Arguments for the Node.js of each instance. @default none */
  readonly execArgv?: readonly string[];
  /** Fewest instances, 1 to 64. @default 2 */
  readonly minInstances?: number;
  /** Most instances; between both the number follows the load. @default one for each core, 2 to 16 */
  readonly maxInstances?: number;
  /** What an instance is. @default 'process' */
  readonly kind?: 'process' | 'thread';
  /** Longest time for an instance to start to serve, in milliseconds. @default 60_000 */
  readonly startTimeoutMs?: number;
  /** How long an instance may be silent before it counts as not ready, in milliseconds. @default 1_000 */
  readonly unreadyAfterMs?: number;
  /** How long it may be silent before it is replaced, in milliseconds. @default 3_000 */
  readonly replaceAfterMs?: number;
  /** How long an instance may take to drain before it is ended, in milliseconds. @default 40_000 */
  readonly drainTimeoutMs?: number;
  /** Port of `/metrics` and the health checks in place of the server's own choice; `false` for none. */
  readonly prometheusPort?: number | false;
  /** Port of the dashboard in place of the server's own choice; `false` for none. */
  readonly dashboardPort?: number | false;
  /** Gets a line for whatever happens to instances. @default JSON lines on stderr */
  readonly logger?: Logger | false;
  readonly clock?: Clock;
  readonly random?: Random;
  /** @default read from the machine */
  readonly machine?: MachineFacts;
  /** Starts instances. @default by `kind` */
  readonly launcher?: Launcher;
}

export interface ResolvedSupervisorOptions {
  readonly program: { readonly file: string; readonly args: readonly string[]; readonly execArgv: readonly string[] };
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly kind: 'process' | 'thread';
  readonly times: InstanceTimes;
  readonly restarts: Backoff;
  readonly ports: { readonly prometheusPort: unknown; readonly dashboardPort: unknown };
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly machine: MachineFacts;
  readonly launcher: Launcher | undefined;
}

/** All in milliseconds. */
export interface InstanceTimes {
  readonly startTimeoutMs: number;
  readonly unreadyAfterMs: number;
  readonly replaceAfterMs: number;
  readonly drainTimeoutMs: number;
}

const KEYS = [
  'file',
  'args',
  'execArgv',
  'minInstances',
  'maxInstances',
  'kind',
  'startTimeoutMs',
  'unreadyAfterMs',
  'replaceAfterMs',
  'drainTimeoutMs',
  'prometheusPort',
  'dashboardPort',
  'logger',
  'clock',
  'random',
  'machine',
  'launcher',
] as const;

const MOST = 64;
const TIMES: { readonly [K in keyof InstanceTimes]: number } = {
  startTimeoutMs: 60_000,
  unreadyAfterMs: 1_000,
  replaceAfterMs: 3_000,
  drainTimeoutMs: 40_000,
};
const RESTARTS: Backoff = { firstMs: 200, maxMs: 30_000 };

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveSupervisorOptions(options: SupervisorOptions): ResolvedSupervisorOptions {
  const given = objectOption('config', options ?? null, KEYS);
  const machine = options.machine ?? readMachineFacts();
  const { minInstances, maxInstances } = instanceBounds(given, machine);
  const times = Object.entries(TIMES).map(([name, fallback]) => [
    name,
    integerOption(name, given[name as keyof InstanceTimes], fallback, { min: 100, max: 3_600_000 }),
  ]);
  const checkedTimes = Object.freeze(Object.fromEntries(times) as { [K in keyof InstanceTimes]: number });
  if (checkedTimes.replaceAfterMs < checkedTimes.unreadyAfterMs)
    throw new OptionError('replaceAfterMs', 'must not be less than unreadyAfterMs', checkedTimes.replaceAfterMs);
  return Object.freeze({
    program: {
      file: checkFile(given.file),
      args: stringListOption('args', given.args, []),
      execArgv: stringListOption('execArgv', given.execArgv, []),
    },
    minInstances,
    maxInstances,
    kind: checkKind(given.kind),
    times: checkedTimes,
    restarts: RESTARTS,
    ports: { prometheusPort: given.prometheusPort, dashboardPort: given.dashboardPort },
    logger: loggerOption('logger', given.logger),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    machine,
    launcher: options.launcher,
  });
}

/** How many instances there are at least and at most. @throws {OptionError} */
export function instanceBounds(
  given: { readonly minInstances?: unknown; readonly maxInstances?: unknown },
  { cores }: MachineFacts,
): { readonly minInstances: number; readonly maxInstances: number } {
  const minInstances = integerOption('minInstances', given.minInstances, 2, { min: 1, max: MOST });
  const most = Math.max(minInstances, Math.min(16, Math.floor(cores)));
  const maxInstances = integerOption('maxInstances', given.maxInstances, most, { min: minInstances, max: MOST });
  return { minInstances, maxInstances };
}

function checkFile(value: unknown): string {
  const file = resolve(stringOption('file', value));
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new OptionError('file', 'must be the path of a program', value);
  return file;
}

function checkKind(value: unknown): 'process' | 'thread' {
  if (value === undefined || value === 'process') return 'process';
  if (value === 'thread') return value;
  throw new OptionError('kind', 'must be "process" or "thread"', value);
}
