import { instanceBounds, type SupervisedServer, Supervisor } from '../cluster/cluster.ts';
import { PeregrineError, toMessage } from '../kernel/errors.ts';
import { stderrLogger } from '../kernel/logger.ts';
import { readMachineFacts } from '../kernel/machine.ts';
import { onTermination } from '../kernel/process-signals.ts';
import { recommendedV8Flags, resolvePerformance } from '../optimizer/optimizer.ts';
import { CliError } from './cli-error.ts';
import type { Output } from './output.ts';

export interface StartOptions {
  /** Bounds of the number of instances; nothing for the default. */
  readonly minInstances: number | undefined;
  readonly maxInstances: number | undefined;
  readonly threads: boolean;
  readonly metricsPort: number | false | undefined;
  readonly dashboardPort: number | false | undefined;
  /** Nothing for the defaults. */
  readonly startTimeoutMs: number | undefined;
  readonly replaceAfterMs: number | undefined;
  /** Arguments for the program. */
  readonly args: readonly string[];
}

/** Runs a program's server as several instances until a signal ends it. Never resolves once they serve. */
export async function start(file: string, options: StartOptions, output: Output): Promise<number> {
  const supervisor = createSupervisor(file, options);
  onTermination(() => supervisor.stop());
  process.on('SIGHUP', () => {
    supervisor.roll().then(
      () => stderrLogger.info({}, 'all instances are replaced'),
      (error: unknown) => stderrLogger.warn({}, `not all instances are replaced: ${toMessage(error)}`),
    );
  });
  const { url, outlets } = await supervisor.start().catch((error: unknown) => {
    if (error instanceof PeregrineError && error.code === 'STOPPED') return new Promise<never>(() => {}); // A signal ends it.
    throw error instanceof PeregrineError ? new CliError(error.message, { cause: error }) : error;
  });
  output.out(announcement(url, outlets));
  return new Promise(() => {});
}

function createSupervisor(file: string, options: StartOptions): Supervisor {
  const { metricsPort: prometheusPort, threads, args, ...others } = options;
  const chosen = Object.entries({ prometheusPort, ...others }).filter(([, value]) => value !== undefined);
  try {
    return new Supervisor({
      ...{ file, args, kind: threads ? 'thread' : 'process' },
      ...Object.fromEntries(chosen),
      execArgv: threads ? [] : v8Flags(options), // A thread's heap has bounds of its own.
    });
  } catch (error) {
    throw error instanceof PeregrineError ? new CliError(error.message, { cause: error }) : error;
  }
}

/** The flags of V8 that a benchmark speaks for. */
function v8Flags(options: StartOptions): string[] {
  const machine = readMachineFacts();
  const { maxInstances } = instanceBounds(options, machine);
  const flags = recommendedV8Flags(resolvePerformance(undefined, machine).profile, maxInstances);
  return flags.flatMap(({ flag, isApplied }) => (isApplied ? [flag] : []));
}

function announcement(url: string, outlets: SupervisedServer['outlets']): string {
  const lines = outlets.flatMap(({ name, url: at }) => (at === null ? [] : [`${name} on ${at}\n`]));
  return `listening on ${url}\n${lines.join('')}`;
}
