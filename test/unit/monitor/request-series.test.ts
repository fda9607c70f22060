import { describe, expect, it } from 'vitest';
import { RequestSeries } from '../../../src/monitor/request-series.ts';

function counted(series: RequestSeries) {
  const [requests, durations] = series.families();
  return { requests: requests?.samples ?? [], durations: durations?.samples ?? [] };
}

function count(
  series: RequestSeries,
  method: string,
  target: string,
  outcome: 'ok' | 'error' | 'input_required' = 'ok',
) {
  const ending = series.of(method, target).ending(outcome);
  ending.count++;
  ending.times.record(1_000);
}

describe('RequestSeries', () => {
  it('names tools and prompts as OpenTelemetry does, everything else a target, and nothing that is not there', () => {
    const series = new RequestSeries();
    count(series, 'tools/call', 'search');
    count(series, 'prompts/get', 'greet', 'error');
    count(series, 'resources/read', 'file', 'input_required');
    count(series, 'tools/list', '');
    const { requests, durations } = counted(series);
    expect(requests.map(({ labels }) => labels)).toEqual([
      { mcp_method_name: 'tools/call', gen_ai_tool_name: 'search', outcome: 'ok' },
      { mcp_method_name: 'prompts/get', gen_ai_prompt_name: 'greet', outcome: 'error' },
      { mcp_method_name: 'resources/read', target: 'file', outcome: 'input_required' },
      { mcp_method_name: 'tools/list', outcome: 'ok' },
    ]);
    expect(durations.map(({ labels }) => labels)).toEqual([
      { mcp_method_name: 'tools/call', gen_ai_tool_name: 'search' },
      { mcp_method_name: 'prompts/get', gen_ai_prompt_name: 'greet', error_type: 'error' },
      { mcp_method_name: 'resources/read', target: 'file' },
      { mcp_method_name: 'tools/list' },
    ]);
  });

  it('is bounded: after 2,000 targets the rest counts as other, and nothing is lost', () => {
    const series = new RequestSeries();
    for (let at = 0; at < 5_000; at++) for (let time = 0; time < 2; time++) count(series, 'operation', `made ${at}`);
    count(series, 'tools/list', '');
    const { requests } = counted(series);
    expect(requests).toHaveLength(2_002);
    expect(requests.reduce((sum, { value = 0 }) => sum + value, 0)).toBe(10_001);
    expect(requests.find(({ labels }) => labels['target'] === 'other')?.value).toBe(6_000);
    expect(requests.find(({ labels }) => labels['target'] === 'made 1999')?.value).toBe(2);
  });

  it('makes a series again only when it changed', () => {
    const series = new RequestSeries();
    count(series, 'tools/call', 'a');
    count(series, 'tools/call', 'b');
    const before = counted(series).durations;
    count(series, 'tools/call', 'b');
    const after = counted(series).durations;
    expect(after[0]).toBe(before[0]);
    expect(after[1]?.histogram?.count).toBe(2);
    expect(before[1]?.histogram?.count).toBe(1);
  });
});
