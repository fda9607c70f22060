import type { Resource } from '@opentelemetry/resources';
import type { Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { EngineSignals } from '../../signal/signal.ts';
import type { MetricSnapshot } from '../metric-family.ts';
import type { ResolvedOtlp } from '../otlp-options.ts';
import { toMetricData } from './otlp-metrics.ts';
import { loadCommon, loadMetrics, loadTraces, type OtelApi } from './otlp-packages.ts';
import { OtlpSpans } from './otlp-spans.ts';

export interface OtlpParts {
  readonly settings: ResolvedOtlp;
  readonly server: { readonly name: string; readonly version: string };
  /** Tells this instance from others of the same name. */
  readonly instance: string;
  readonly signals: EngineSignals;
  readonly snapshot: () => MetricSnapshot;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What the packages call back with. */
interface ExportOutcome {
  readonly code: number;
  readonly error?: unknown;
}

const MAX_CLOSE_MS = 5_000;

/** Sends metrics and traces to a collector. Before {@link open} nothing is loaded, and handlers run as they are. */
export class Otlp {
  readonly #parts: OtlpParts;
  readonly #ends: (() => Promise<void> | void)[] = [];
  #spans: OtlpSpans | undefined;

  constructor(parts: OtlpParts) {
    this.#parts = parts;
  }

  /** @throws {PeregrineError} `DRIVER_MISSING` when a package is not installed. */
  async open(): Promise<void> {
    const { settings, server, instance } = this.#parts;
    const { api, resources } = await loadCommon();
    const resource = resources.resourceFromAttributes({
      'service.name': server.name,
      'service.version': server.version,
      'service.instance.id': instance,
    });
    if (settings.metrics) await this.#openMetrics(api, resource);
    if (settings.traces) await this.#openTraces(api, resource);
  }

  /** Runs a call's handler so that spans which it makes are below the request's own. */
  run<R>(call: object, meta: unknown, work: () => R): R {
    return this.#spans === undefined ? work() : this.#spans.run(call, meta, work);
  }

  /** Sends what is left, and ends; within 5 seconds, whatever the collector does. */
  async close(): Promise<void> {
    const { clock } = this.#parts;
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(MAX_CLOSE_MS, resolve);
    });
    const ended = Promise.allSettled(this.#ends.splice(0).map(async (end) => end()));
    await Promise.race([ended, late]);
    cancel();
  }

  async #openMetrics(api: OtelApi, resource: Resource): Promise<void> {
    const { settings, clock, snapshot } = this.#parts;
    const { sdk, OTLPMetricExporter } = await loadMetrics();
    const exporter = new OTLPMetricExporter(this.#configOf('metrics'));
    const scope = { name: 'peregrine-mcp' };
    const told = this.#teller('metrics');
    const send = (): Promise<void> =>
      new Promise<ExportOutcome>((resolve) => {
        const metrics = toMetricData(snapshot(), api, sdk);
        exporter.export({ resource, scopeMetrics: [{ scope, metrics }] }, resolve);
      })
        .catch((error: unknown) => ({ code: 1, error }))
        .then(told);
    const cancel = clock.every(settings.intervalMs, () => void send());
    this.#ends.push(async () => {
      cancel();
      await send();
      await exporter.shutdown();
    });
  }

  async #openTraces(api: OtelApi, resource: Resource): Promise<void> {
    const { settings, clock, random, signals } = this.#parts;
    const { sdk, OTLPTraceExporter } = await loadTraces();
    const exporter = new OTLPTraceExporter(this.#configOf('traces'));
    const told = this.#teller('traces');
    const processor = new sdk.BatchSpanProcessor({
      exporter: {
        export: (spans, done) =>
          exporter.export(spans, (outcome) => {
            told(outcome);
            done(outcome);
          }),
        shutdown: () => exporter.shutdown(),
      },
    });
    const { sampleRatio } = settings;
    const end = processor.onEnd.bind(processor);
    const ids = new sdk.RandomIdGenerator();
    const spans = new OtlpSpans({ api, resource, ids, clock, random, sampleRatio, end });
    this.#spans = spans;
    const unsubscribe = signals.trace.on((traced) => spans.finish(traced));
    this.#ends.push(async () => {
      this.#spans = undefined;
      unsubscribe();
      await processor.shutdown();
    });
  }

  #configOf(what: 'metrics' | 'traces'): { url: string; headers: Record<string, string> } {
    const { endpoint, headers } = this.#parts.settings;
    return { url: `${endpoint}/v1/${what}`, headers: { ...headers } };
  }

  /** Says when exports begin to fail and when they work again, not each time. */
  #teller(what: string): (outcome: ExportOutcome) => void {
    const { logger, settings } = this.#parts;
    let isFailing = false;
    return ({ code, error }) => {
      const failed = code !== 0;
      if (failed === isFailing) return;
      isFailing = failed;
      const details = { endpoint: settings.endpoint };
      if (failed) logger.warn(details, `the export of ${what} fails: ${toMessage(error)}`);
      else logger.info(details, `the export of ${what} works again`);
    };
  }
}
