import { describe, expect, it } from 'vitest';
import { resolveOtlp } from '../../../../src/monitor/otlp-options.ts';

describe('resolveOtlp', () => {
  it('is off without options, and fills in what they leave out', () => {
    expect(resolveOtlp(undefined)).toBeUndefined();
    expect(resolveOtlp({ endpoint: 'http://127.0.0.1:4318/' })).toEqual({
      endpoint: 'http://127.0.0.1:4318',
      headers: {},
      metrics: true,
      traces: true,
      intervalMs: 60_000,
      sampleRatio: 1,
    });
    expect(resolveOtlp({ endpoint: 'https://otel.example/base/' })?.endpoint).toBe('https://otel.example/base');
  });

  it.each<[string, object]>([
    ['"monitor.otlp.endpoint" must be a URL of http: or https:', {}],
    ['"monitor.otlp.endpoint" must be a URL of http: or https:', { endpoint: 'grpc://secret' }],
    ['"monitor.otlp.endpoint" must be a URL of http: or https:', { endpoint: 'http://user:secret@a' }],
    ['"monitor.otlp.endpoint" must be a URL of http: or https:', { endpoint: 'http://a/?key=secret' }],
    [
      '"monitor.otlp.headers" must be an object of header names',
      { endpoint: 'http://a', headers: { 'a b': 'secret' } },
    ],
    [
      '"monitor.otlp.headers" must be an object of header names',
      { endpoint: 'http://a', headers: { a: 'secret\r\n' } },
    ],
    ['"monitor.otlp.headers" must be an object of header names', { endpoint: 'http://a', headers: 'secret' }],
    ['"monitor.otlp.intervalMs" must be an integer from 1000', { endpoint: 'http://a', intervalMs: 10 }],
    ['"monitor.otlp.sampleRatio" must be a number from 0 to 1', { endpoint: 'http://a', sampleRatio: 2 }],
    ['"monitor.otlp.trace" is not known (did you mean "traces"?)', { endpoint: 'http://a', trace: true }],
  ])('says %s, and no secret', (message, options) => {
    const thrown = messageOf(() => resolveOtlp(options));
    expect(thrown).toContain(message);
    expect(thrown).not.toContain('secret');
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}
