import { describe, expect, it } from 'vitest';
import { readTraceParent } from '../../../../src/monitor/trace-parent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('readTraceParent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, 1],
    [`00-${TRACE}-${SPAN}-00`, 0],
    [`00-${TRACE}-${SPAN}-03`, 1],
    [`cc-${TRACE}-${SPAN}-01`, 1],
    [`cc-${TRACE}-${SPAN}-01-what-will-be`, 1],
  ])('reads %s', (traceparent, traceFlags) => {
    expect(readTraceParent({ traceparent })).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags,
      traceState: undefined,
    });
  });

  it('reads the state beside it, unless that is none or too long', () => {
    const traceparent = `00-${TRACE}-${SPAN}-01`;
    expect(readTraceParent({ traceparent, tracestate: 'a=1,b=2' })?.traceState).toBe('a=1,b=2');
    for (const tracestate of ['', 7, null, `a=${'x'.repeat(600)}`])
      expect(readTraceParent({ traceparent, tracestate })).toMatchObject({ traceId: TRACE, traceState: undefined });
  });

  it.each([
    undefined,
    null,
    'text',
    7,
    {},
    { traceparent: 7 },
    { traceparent: '' },
    { traceparent: `00-${TRACE}-${SPAN}` },
    { traceparent: `00-${TRACE}-${SPAN}-01-more` },
    { traceparent: `00-${TRACE}-${SPAN}-01\n` },
    { traceparent: `ff-${TRACE}-${SPAN}-01` },
    { traceparent: `00-${TRACE.toUpperCase()}-${SPAN}-01` },
    { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` },
    { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` },
    { traceparent: [`00-${TRACE}-${SPAN}-01`] },
  ])('reads nothing from %j', (meta) => {
    expect(readTraceParent(meta)).toBeUndefined();
  });
});
