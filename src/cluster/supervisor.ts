import { randomBytes } from 'node:crypto';
import type { AutoscalerOptions } from '../balance/balance.ts';
import { PeregrineError } from '../kernel/errors.ts';
import { workerHeapMb } from '../kernel/hardware-profile.ts';
import { readText } from '../kernel/machine.ts';
import type { OutletState, ScalingFigures } from '../monitor/monitor.ts';
import { Fleet, type FleetEvent } from './fleet.ts';
import { FleetMonitor } from './fleet-monitor.ts';
import { FleetScaler } from './fleet-scaler.ts';
import type { InstanceStage, StartedMessage } from './instance.ts';
import type { Launcher } from './launcher.ts';
import { type ResolvedSupervisorOptions, resolveSupervisorOptions, type SupervisorOptions } from './options.ts';
import { createProcessLauncher } from './process-launcher.ts';
import { createThreadLauncher } from './thread-launcher.ts';

/** What a supervisor says once it serves. */
export interface SupervisedServer {
  readonly url: string;
  /** Where the monitor is served, and what keeps it from that. */
  readonly outlets: readonly OutletState[];
}

/** An instance as others see it. */
export interface InstanceView {
  readonly name: string;
  readonly pid: number;
  readonly stage: InstanceStage;
}

/** Runs a program as several instances that share its port, replaces those that fail, and monitors all of them. */
export class Supervisor {
  readonly #options: ResolvedSupervisorOptions;
  readonly #fleet: Fleet;
  #monitor: FleetMonitor | undefined;
  #opening: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #scaler: FleetScaler | undefined;

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(options: SupervisorOptions) {
    this.#options = resolveSupervisorOptions(options);
    const launcher = this.#options.launcher ?? createLauncher(this.#options);
    this.#fleet = new Fleet(this.#options, launcher, randomBytes(32).toString('base64url'));
    this.#fleet.changed.on((event) => this.#log(event));
  }

  get instances(): readonly InstanceView[] {
    return this.#fleet.instances.map(({ name, pid, stage }) => ({ name, pid, stage }));
  }

  /**
   * Starts the first instance and, once it serves, the others.
   *
   * @throws {PeregrineError} `INSTANCE_FAILED` when it does not get that far, `NOTHING_SERVED` when it listens nowhere, `STOPPED`.
   * @throws {OptionError} when a setting of the server's monitor is not valid.
   */
  async start(): Promise<SupervisedServer> {
    const { clock, logger, ports, minInstances } = this.#options;
    this.#warnOfThreads();
    this.#checkNotStopped();
    const started = await this.#fleet.start().catch((error: unknown) => {
      this.#checkNotStopped();
      throw error;
    });
    this.#checkNotStopped();
    try {
      const { url } = started;
      if (url === undefined)
        throw new PeregrineError('NOTHING_SERVED', 'the program started a server that listens nowhere');
      const scaler = this.#createScaler(started);
      const scaling = (): ScalingFigures => scaler.figures();
      const monitor = new FleetMonitor({ fleet: this.#fleet, started, ports, logger, clock, scaling });
      this.#scaler = scaler;
      this.#monitor = monitor;
      this.#opening = monitor.open();
      await this.#opening;
      this.#checkNotStopped();
      for (const { problem } of monitor.outlets) if (problem !== null) logger.warn({}, problem);
      this.#fleet.scaleTo(minInstances);
      scaler.start();
      return { url, outlets: monitor.outlets };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Starts or drains instances until there are so many. */
  scaleTo(count: number): void {
    this.#fleet.scaleTo(count);
  }

  /**
   * Replaces all instances one by one, with the program as it now is.
   *
   * @throws {PeregrineError} `INSTANCE_FAILED` when a new one does not start; those that were not replaced go on.
   */
  roll(): Promise<void> {
    return this.#fleet.roll();
  }

  /** Drains all instances, and ends. Safe to call again. */
  stop(): Promise<void> {
    this.#scaler?.stop();
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.allSettled([this.#fleet.stop(), this.#opening]);
    await this.#monitor?.close();
  }

  #checkNotStopped(): void {
    if (this.#stopping !== undefined)
      throw new PeregrineError('STOPPED', 'the supervisor was stopped before it had started');
  }

  #createScaler({ settings }: StartedMessage): FleetScaler {
    const { clock, logger, minInstances, maxInstances } = this.#options;
    const { scaleUpAt, scaleDownAt, target } = (settings.scaling ?? {}) as AutoscalerOptions;
    const laws = Object.entries({ scaleUpAt, scaleDownAt, target }).filter(([, value]) => value !== undefined);
    return new FleetScaler({
      ...{ fleet: this.#fleet, clock },
      options: { ...Object.fromEntries(laws), minInstances, maxInstances },
      told: (recommendation) => {
        const { from, to } = recommendation;
        logger.info({ scaling: recommendation }, `from ${from} to ${to} instances`);
        this.#fleet.tellFirst({ kind: 'scale', recommendation });
      },
    });
  }

  #log({ instance, stage }: FleetEvent): void {
    const { logger } = this.#options;
    const { name, pid, failure } = instance;
    if (stage === 'unresponsive') logger.warn({ instance: name, pid }, `instance ${name} does not respond`);
    else if (stage === 'gone' && failure !== undefined && this.#stopping === undefined)
      logger.warn({ instance: name, pid }, `instance ${name} is gone: ${failure}`);
    else if (stage !== 'starting') logger.info({ instance: name, pid }, `instance ${name} is ${stage}`);
  }

  #warnOfThreads(): void {
    const { kind, logger } = this.#options;
    if (kind !== 'thread' || readText('/proc/sys/net/ipv4/tcp_migrate_req')?.trim() === '1') return;
    const text = 'connections that a thread has not accepted are lost when it ends; set net.ipv4.tcp_migrate_req=1';
    logger.warn({}, text);
  }
}

function createLauncher({ kind, program, machine, maxInstances }: ResolvedSupervisorOptions): Launcher {
  if (kind === 'process') return createProcessLauncher(program);
  return createThreadLauncher(program, workerHeapMb(machine, maxInstances, 4_096));
}
