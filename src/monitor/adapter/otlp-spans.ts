import type { Attributes, Context, SpanContext } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { IdGenerator, ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';
import type { RequestEvent, TracedRequest } from '../../signal/signal.ts';
import { readTraceParent } from '../trace-parent.ts';
import { toHrTime } from './otlp-metrics.ts';
import type { OtelApi } from './otlp-packages.ts';

export interface OtlpSpansParts {
  readonly api: OtelApi;
  readonly resource: Resource;
  readonly ids: IdGenerator;
  readonly clock: Clock;
  readonly random: Random;
  readonly sampleRatio: number;
  readonly end: (span: ReadableSpan) => void;
}

/** The place of a request's span in its trace. */
interface Place {
  readonly own: SpanContext;
  readonly parent: SpanContext | undefined;
}

/** Names of targets, by method, in OpenTelemetry's conventions. */
const TARGETS: { readonly [method: string]: string } = {
  'tools/call': 'gen_ai.tool.name',
  'prompts/get': 'gen_ai.prompt.name',
};

/** Makes a span of each request when it is over: its place in the trace is known from when its handler begins. */
export class OtlpSpans {
  readonly #parts: OtlpSpansParts;
  readonly #places = new WeakMap<object, Place>();

  constructor(parts: OtlpSpansParts) {
    this.#parts = parts;
  }

  /** Runs a call's handler so that spans which it makes are below the request's own. */
  run<R>(call: object, meta: unknown, work: () => R): R {
    const { context, trace } = this.#parts.api;
    const place = this.#placeOf(meta);
    this.#places.set(call, place);
    const inner: Context = trace.setSpanContext(context.active(), place.own);
    return context.with(inner, work);
  }

  finish({ request, meta, call }: TracedRequest): void {
    const { api, resource, clock, end } = this.#parts;
    const { own, parent } = (call && this.#places.get(call)) ?? this.#placeOf(meta);
    if ((own.traceFlags & api.TraceFlags.SAMPLED) === 0) return;
    const endMs = clock.wallNow();
    const isError = request.outcome === 'error' || request.outcome === 'tool_error';
    end({
      name: request.target === '' ? request.method : `${request.method} ${request.target}`,
      kind: api.SpanKind.SERVER,
      spanContext: () => own,
      ...(parent && { parentSpanContext: parent }),
      startTime: toHrTime(endMs - request.durationMs),
      endTime: toHrTime(endMs),
      duration: toHrTime(request.durationMs),
      status: { code: isError ? api.SpanStatusCode.ERROR : api.SpanStatusCode.UNSET },
      attributes: attributesOf(request),
      ...{ links: [], events: [], ended: true, resource, instrumentationScope: { name: 'peregrine-mcp' } },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    });
  }

  /** Below the client's span where it sent one, sampled as that was; else at the root of a trace of its own. */
  #placeOf(meta: unknown): Place {
    const { api, ids, random, sampleRatio } = this.#parts;
    const given = readTraceParent(meta);
    const spanId = ids.generateSpanId();
    if (given === undefined) {
      const traceFlags = random() < sampleRatio ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE;
      return { own: { traceId: ids.generateTraceId(), spanId, traceFlags }, parent: undefined };
    }
    const { traceId, traceFlags, traceState } = given;
    const common = { traceId, traceFlags, ...(traceState && { traceState: api.createTraceState(traceState) }) };
    return { own: { ...common, spanId }, parent: { ...common, spanId: given.spanId, isRemote: true } };
  }
}

/** As the metrics have them. No argument, address or message is among them. */
function attributesOf({ method, target, outcome }: RequestEvent): Attributes {
  const attributes: Attributes = { 'mcp.method.name': method };
  if (target !== '') attributes[TARGETS[method] ?? 'peregrine.target'] = target;
  if (method === 'tools/call') attributes['gen_ai.operation.name'] = 'execute_tool';
  if (outcome === 'input_required') attributes['peregrine.outcome'] = outcome;
  else if (outcome !== 'ok') attributes['error.type'] = outcome;
  return attributes;
}
