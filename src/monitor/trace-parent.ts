/** Where a client's trace goes on: W3C Trace Context, as MCP carries it in `_meta`. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState: string | undefined;
}

const FORM = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_STATE = 512;
const SAMPLED = 1;

/** Reads `traceparent` and `tracestate` of a `_meta`; nothing where there is none, or not a valid one. */
export function readTraceParent(meta: unknown): TraceParent | undefined {
  const { traceparent, tracestate } = (meta ?? {}) as { readonly traceparent?: unknown; readonly tracestate?: unknown };
  if (typeof traceparent !== 'string') return undefined;
  const [, version, traceId, spanId, flags, more] = FORM.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || (version === '00' && more !== undefined)) return undefined;
  const isState = typeof tracestate === 'string' && tracestate.length > 0 && tracestate.length <= MAX_STATE;
  const traceFlags = Number.parseInt(flags ?? '', 16) & SAMPLED;
  return { traceId, spanId, traceFlags, traceState: isState ? tracestate : undefined };
}
