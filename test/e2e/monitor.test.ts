import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { inputRequired, ProtocolError } from '../../src/index.ts';
import { FakeClock } from '../../src/testing/testing.ts';
import { type ParsedFamily, parseExposition } from '../unit/monitor/exposition-parser.ts';
import { modernFields } from '../unit/support/http.ts';
import { modernRequest } from '../unit/support/messages.ts';
import { serverWith, type TestServer, text } from '../unit/support/test-server.ts';

const REQUESTS = 10_000;
const AT_ONCE = 8;
const ERROR = 1 / 32;

/** What a request is to be counted as. */
interface Expected {
  readonly method: string;
  readonly label?: readonly [name: string, value: string];
  readonly outcome: string;
}

interface Kind extends Expected {
  readonly params: (ms: number) => Record<string, unknown>;
  /** Whether its handler takes the time that it is told. */
  readonly takesTime: boolean;
}

const tool = (name: string, outcome: string): Kind => ({
  method: 'tools/call',
  label: ['gen_ai_tool_name', name],
  outcome,
  params: (ms) => ({ name, arguments: { ms } }),
  takesTime: true,
});
const plain = (method: string, params: Record<string, unknown>, more: Partial<Kind> = {}): Kind => ({
  ...{ method, outcome: 'ok', params: () => params, takesTime: false },
  ...more,
});

const KINDS: readonly Kind[] = [
  tool('works', 'ok'),
  tool('works', 'ok'),
  tool('fails', 'tool_error'),
  tool('refuses', 'error'),
  tool('asks', 'input_required'),
  plain('tools/call', { name: 'none' }, { outcome: 'error' }),
  plain('tools/list', {}),
  plain('server/discover', {}),
  plain('resources/read', { uri: 'x://r/1' }, { label: ['target', 'res'] }),
  plain('prompts/get', { name: 'pro' }, { label: ['gen_ai_prompt_name', 'pro'] }),
  plain('made/up', {}, { method: 'made/up', outcome: 'error' }),
];

const clock = new FakeClock();
let server: TestServer;
let url: string;

beforeAll(async () => {
  const inputSchema = z.object({ ms: z.number() });
  server = serverWith(
    (own) => {
      own.registerTool('works', { inputSchema }, ({ ms }) => {
        clock.advance(ms);
        return text('');
      });
      own.registerTool('fails', { inputSchema }, ({ ms }) => {
        clock.advance(ms);
        throw new Error('no');
      });
      own.registerTool('refuses', { inputSchema }, ({ ms }) => {
        clock.advance(ms);
        throw new ProtocolError(-32_000, 'no');
      });
      own.registerTool('asks', { inputSchema }, ({ ms }) => {
        clock.advance(ms);
        return inputRequired({ requestState: 's' });
      });
      own.registerResource('res', 'x://r/1', {}, (uri) => ({ contents: [{ uri: uri.href, text: '' }] }));
      own.registerPrompt('pro', {}, () => ({ messages: [] }));
    },
    { clock, http: { port: 0 }, handleSignals: false, monitor: { prometheusPort: 0, dashboardPort: false } },
  );
  url = String((await server.start()).url);
});
afterAll(() => server?.stop());

async function post({ method, params }: Kind, ms: number): Promise<void> {
  const wanted = params(ms);
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...modernFields(method, wanted),
    },
    body: JSON.stringify(modernRequest(method, wanted)),
  });
  await response.text();
}

async function scrape(): Promise<Map<string, ParsedFamily>> {
  const response = await fetch(`${server.monitor.outlets[0]?.url}/metrics`);
  return new Map(parseExposition(await response.text(), 'prometheus').map((family) => [family.name, family]));
}

/** Durations between 0.05 and 20 ms, the same in every run. */
function durationOf(index: number): number {
  return 0.05 * 400 ** ((Math.imul(index, 0x9e3779b1) >>> 0) / 2 ** 32);
}

const keyOf = (labels: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(labels).toSorted());

it('counts 10,000 mixed requests over HTTP exactly, and their times within the error of the histogram', async () => {
  const counts = new Map<string, number>();
  const durations: number[] = [];
  const ofWorks: number[] = [];
  const jobs = Array.from({ length: REQUESTS }, (_, index) => {
    const kind = KINDS[(Math.imul(index, 0x85ebca6b) >>> 0) % KINDS.length] as Kind;
    const ms = durationOf(index);
    const { method, label, outcome, takesTime } = kind;
    const known = method === 'made/up' ? 'unknown' : method;
    const key = keyOf({ mcp_method_name: known, ...(label && { [label[0]]: label[1] }), outcome });
    counts.set(key, (counts.get(key) ?? 0) + 1);
    durations.push(takesTime ? ms : 0);
    if (label?.[1] === 'works') ofWorks.push(ms);
    return { kind, ms };
  });
  let next = 0;
  const sendAll = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await post(job.kind, job.ms);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendAll));

  const families = await scrape();
  const requests = families.get('mcp_server_requests')?.samples ?? [];
  expect(new Map(requests.map(({ labels, value }) => [keyOf(labels), value]))).toEqual(counts);

  const errors = [...counts].filter(([key]) => /"(tool_)?error"/.test(key)).reduce((sum, [, count]) => sum + count, 0);
  const figures = server.getPerformanceMetrics();
  expect(figures.requests).toMatchObject({ total: REQUESTS, errors, errorRate: errors / REQUESTS });
  const sorted = durations.toSorted((a, b) => a - b);
  for (const [name, share] of [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99],
  ] as const) {
    const exact = sorted[Math.ceil(share * REQUESTS) - 1] as number;
    expect(figures.responseTime[name]).toBeGreaterThanOrEqual(exact - 0.001);
    expect(figures.responseTime[name]).toBeLessThanOrEqual(exact * (1 + ERROR));
  }

  const works = (families.get('mcp_server_operation_duration_seconds')?.samples ?? []).filter(
    ({ labels }) => labels['gen_ai_tool_name'] === 'works',
  );
  for (const { name, labels, value } of works) {
    if (name.endsWith('_count')) expect(value).toBe(ofWorks.length);
    if (!name.endsWith('_bucket')) continue;
    const boundMs = 1_000 * Number(labels['le']?.replace('+Inf', 'Infinity'));
    expect(value).toBeLessThanOrEqual(ofWorks.filter((ms) => ms <= boundMs).length);
    expect(value).toBeGreaterThanOrEqual(ofWorks.filter((ms) => ms < boundMs / (1 + ERROR) - 0.001).length);
  }
  const sum = works.find(({ name }) => name.endsWith('_sum'))?.value ?? 0;
  expect(sum).toBeCloseTo(ofWorks.reduce((all, ms) => all + ms, 0) / 1_000, 1);
});
