import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { upperEdge } from '../../../../src/kernel/histogram.ts';
import type { Logger } from '../../../../src/kernel/logger.ts';
import { Otlp } from '../../../../src/monitor/adapter/otlp.ts';
import type { MetricSnapshot } from '../../../../src/monitor/monitor.ts';
import { type OtlpOptions, resolveOtlp } from '../../../../src/monitor/otlp-options.ts';
import { createEngineSignals, type RequestOutcome } from '../../../../src/signal/signal.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { attributesOf, OtlpReceiver } from './receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const START = Date.UTC(2026, 0, 1);

describe('Otlp', () => {
  const lines: string[] = [];
  const logger: Logger = { info: (_, line) => lines.push(line), warn: (_, line) => lines.push(line) };
  let receiver: OtlpReceiver;
  let endpoint: string;
  let clock: FakeClock;
  let signals: ReturnType<typeof createEngineSignals>;
  let snapshot: MetricSnapshot;

  beforeEach(async () => {
    lines.length = 0;
    receiver = new OtlpReceiver();
    endpoint = await receiver.open();
    clock = new FakeClock(START);
    signals = createEngineSignals();
    snapshot = { instance: '1', at: START + 5_000, startedAt: START, families: [] };
  });
  afterEach(() => receiver.close());

  async function opened(options: Partial<OtlpOptions> = {}): Promise<Otlp> {
    const settings = resolveOtlp({ endpoint, ...options });
    if (settings === undefined) throw new Error('no settings');
    const server = { name: 'unit', version: '1.2.3' };
    const parts = { settings, server, instance: 'one', signals, snapshot: () => snapshot, clock, logger };
    const otlp = new Otlp({ ...parts, random: () => 0.5 });
    await otlp.open();
    return otlp;
  }

  function finish(method: string, target: string, outcome: RequestOutcome, meta?: unknown, call?: object): void {
    const request = { method, target, outcome, durationMs: 12.5, finishedAt: clock.now() };
    signals.trace.emit({ request, meta, call });
  }

  describe('traces', () => {
    it('have a span for each request, named and marked by the conventions', async () => {
      const otlp = await opened({ metrics: false });
      clock.advance(1_000);
      finish('tools/call', 'record_item', 'ok');
      finish('tools/call', 'record_item', 'tool_error');
      finish('prompts/get', 'greet', 'error');
      finish('resources/read', 'item', 'cancelled');
      finish('tools/list', '', 'ok');
      await otlp.close();
      const { spans } = receiver;
      expect(spans.map(({ name, status }) => `${name} ${status.code}`)).toEqual([
        'tools/call record_item 0',
        'tools/call record_item 2',
        'prompts/get greet 2',
        'resources/read item 0',
        'tools/list 0',
      ]);
      expect(spans.map(attributesOf)).toEqual([
        { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'record_item', 'gen_ai.operation.name': 'execute_tool' },
        {
          'mcp.method.name': 'tools/call',
          'gen_ai.tool.name': 'record_item',
          'gen_ai.operation.name': 'execute_tool',
          'error.type': 'tool_error',
        },
        { 'mcp.method.name': 'prompts/get', 'gen_ai.prompt.name': 'greet', 'error.type': 'error' },
        { 'mcp.method.name': 'resources/read', 'peregrine.target': 'item', 'error.type': 'cancelled' },
        { 'mcp.method.name': 'tools/list' },
      ]);
      const [first] = spans;
      expect(first).toMatchObject({ kind: 2, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
      expect(first).not.toHaveProperty('parentSpanId');
      expect(BigInt(first?.endTimeUnixNano ?? 0)).toBe(BigInt(START + 1_000) * 1_000_000n);
      expect(BigInt(first?.startTimeUnixNano ?? 0)).toBe(BigInt(START + 1_000) * 1_000_000n - 12_500_000n);
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(5);
    });

    it('go on with the trace of the client, sampled as that is', async () => {
      const otlp = await opened({ metrics: false, sampleRatio: 0 });
      finish('tools/call', 'a', 'ok', { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=x' });
      finish('tools/call', 'b', 'ok', { traceparent: `00-${TRACE}-${SPAN}-00` });
      finish('tools/call', 'c', 'ok', {});
      await otlp.close();
      expect(receiver.spans).toHaveLength(1);
      expect(receiver.spans[0]).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, traceState: 'vendor=x' });
    });

    it('begin for the wanted share of requests', async () => {
      for (const [sampleRatio, count] of [
        [0.4, 0],
        [0.6, 1],
      ] as const) {
        const otlp = await opened({ metrics: false, sampleRatio });
        finish('tools/list', '', 'ok');
        await otlp.close();
        expect(receiver.spans).toHaveLength(count);
      }
    });

    it('say whose they are, with the headers that are configured', async () => {
      const otlp = await opened({ headers: { 'x-api-key': 'k' } });
      finish('tools/list', '', 'ok');
      await otlp.close();
      for (const path of ['/v1/traces', '/v1/metrics']) {
        const request = receiver.requests.find((one) => one.path === path);
        expect(request?.headers).toMatchObject({ 'x-api-key': 'k', 'content-type': 'application/json' });
        expect(JSON.stringify(request?.body)).toContain('{"key":"service.name","value":{"stringValue":"unit"}}');
      }
    });

    it('end with the exporter: nothing is listened to afterwards', async () => {
      const otlp = await opened({ metrics: false });
      expect(signals.trace.active).toBe(true);
      await otlp.close();
      expect(signals.trace.active).toBe(false);
      expect(otlp.run({}, {}, () => 'ran')).toBe('ran');
    });
  });

  describe('metrics', () => {
    beforeEach(() => {
      const labels = { mcp_method_name: 'tools/call', gen_ai_tool_name: 'record_item' };
      const buckets = [50, 180, 9_000, 700_000_000].map((micros) => [bucketOf(micros), 1] as const);
      snapshot = {
        ...snapshot,
        families: [
          { name: 'mcp_server_requests', kind: 'counter', help: 'Requests.', samples: [{ labels, value: 7 }] },
          {
            name: 'process_resident_memory_bytes',
            kind: 'gauge',
            help: 'Memory.',
            unit: 'bytes',
            samples: [{ labels: {}, value: 5 }],
          },
          {
            name: 'mcp_server_operation_duration_seconds',
            kind: 'histogram',
            help: 'Times.',
            unit: 'seconds',
            samples: [{ labels, histogram: { count: 4, sum: 700.00923, buckets } }],
          },
        ],
      };
    });

    it('arrive each interval, and once more at the end', async () => {
      const otlp = await opened({ traces: false, intervalMs: 10_000 });
      clock.advance(9_999);
      expect(receiver.exports).toHaveLength(0);
      clock.advance(1);
      await vi.waitFor(() => expect(receiver.exports).toHaveLength(1), { interval: 1 });
      await otlp.close();
      expect(receiver.exports).toHaveLength(2);
      expect(clock.timers).toBe(0);
    });

    it("arrive with the conventions' names, units and attributes", async () => {
      await (await opened({ traces: false })).close();
      const [requests, memory, duration] = receiver.exports[0] ?? [];
      const [since, at] = [BigInt(START), BigInt(START + 5_000)].map((ms) => String(ms * 1_000_000n));
      const times = { startTimeUnixNano: since, timeUnixNano: at };
      expect(requests).toMatchObject({
        name: 'mcp_server_requests',
        description: 'Requests.',
        sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ asDouble: 7, ...times }] },
      });
      expect(attributesOf(requests?.sum.dataPoints[0])).toEqual({
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': 'record_item',
      });
      expect(memory).toMatchObject({ unit: 'By', gauge: { dataPoints: [{ asDouble: 5 }] } });
      expect(duration).toMatchObject({ name: 'mcp.server.operation.duration', unit: 's' });
      const [point] = duration?.histogram.dataPoints ?? [];
      expect(point).toMatchObject({ count: 4, sum: 700.00923, ...times });
      const filled = point.bucketCounts.flatMap((count: number, at: number) =>
        Number(count) === 0 ? [] : [`${point.explicitBounds[at] ?? 'inf'}: ${count}`],
      );
      expect(filled).toEqual(['0.0001: 1', '0.0002: 1', '0.01: 1', 'inf: 1']);
    });

    it('says once that a collector does not take them, and that it does again', async () => {
      receiver.status = 400;
      const otlp = await opened({ traces: false, intervalMs: 1_000 });
      for (const count of [1, 2]) {
        clock.advance(1_000);
        await vi.waitFor(() => expect(receiver.exports).toHaveLength(count), { interval: 1 });
      }
      await vi.waitFor(() => expect(lines).toEqual([expect.stringMatching(/^the export of metrics fails: /)]), {
        interval: 1,
      });
      receiver.status = 200;
      await otlp.close();
      expect(lines.at(-1)).toBe('the export of metrics works again');
      expect(lines).toHaveLength(2);
    });

    it('goes on after a snapshot that could not be made', async () => {
      const otlp = await opened({ traces: false, intervalMs: 1_000 });
      const { families } = snapshot;
      snapshot = { ...snapshot, families: undefined as never };
      clock.advance(1_000);
      await vi.waitFor(() => expect(lines).toHaveLength(1), { interval: 1 });
      snapshot = { ...snapshot, families };
      await otlp.close();
      expect(receiver.exports).toHaveLength(1);
      expect(lines.at(-1)).toBe('the export of metrics works again');
    });

    it('does not hold up the end when a collector hangs', async () => {
      receiver.status = 0;
      const otlp = await opened();
      const closed = otlp.close();
      await vi.waitFor(() => expect(receiver.requests).toHaveLength(1), { interval: 1 });
      clock.advance(5_000);
      await closed;
      expect(clock.timers).toBe(0);
    });
  });
});

/** The bucket that a value is counted in. */
function bucketOf(value: number): number {
  let index = 0;
  while (upperEdge(index) < value) index++;
  return index;
}
