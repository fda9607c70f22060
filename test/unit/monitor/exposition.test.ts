import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/kernel/histogram.ts';
import { METRICS } from '../../../src/monitor/definitions.ts';
import { expose } from '../../../src/monitor/exposition.ts';
import { toFamily, toHistogramData } from '../../../src/monitor/families.ts';
import type { MetricFamily, MetricSnapshot } from '../../../src/monitor/metric-family.ts';
import { lint, parseExposition } from './exposition-parser.ts';

const OPEN = 'application/openmetrics-text';
const FORMATS = [
  ['prometheus', undefined],
  ['openmetrics', OPEN],
] as const;

const snapshotOf = (...families: MetricFamily[]): MetricSnapshot => ({ instance: '', at: 0, startedAt: 0, families });

function histogramOf(seconds: readonly number[]) {
  const histogram = new Histogram();
  for (const each of seconds) histogram.record(each * 1e6);
  return toHistogramData(histogram);
}

describe.each(FORMATS)('expose as %s', (format, accept) => {
  const exposed = (...families: MetricFamily[]) =>
    parseExposition(expose(snapshotOf(...families), accept).text, format);

  it('writes every defined metric by the rules of promtool', () => {
    const families = Object.values(METRICS).map((definition) =>
      toFamily(definition, [
        {
          labels: Object.fromEntries(definition.labels.map((label) => [label, 'x'])),
          ...(definition.kind === 'histogram' ? { histogram: histogramOf([0.01]) } : { value: 1 }),
        },
      ]),
    );
    const parsed = exposed(...families);
    expect(parsed.map(({ name }) => name)).toEqual(families.map(({ name }) => name));
    for (const [at, family] of parsed.entries()) {
      expect({ ...family, problems: lint(family) }).toMatchObject({
        type: families[at]?.kind,
        help: families[at]?.help,
        unit: format === 'openmetrics' ? families[at]?.unit : undefined,
        problems: [],
      });
    }
  });

  it('brings back whatever text a label or a help has', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[\\"\n{},= ]+$/));
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 8 }), text, (values, help) => {
        const samples = values.map((value, at) => ({ labels: { target: value, outcome: 'ok' }, value: at }));
        const [family] = exposed({ name: 'some_metric', kind: 'gauge', help: `.${help}`, samples });
        expect(family?.help).toBe(`.${help}`);
        expect(family?.samples.map(({ labels, value }) => ({ labels: { ...labels }, value }))).toEqual(samples);
      }),
      { numRuns: 500 },
    );
  });

  it('brings back whatever number a value has', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const [family] = exposed({ name: 'some_metric', kind: 'gauge', help: 'h', samples: [{ labels: {}, value }] });
        expect(family?.samples[0]?.value === 0 ? 0 : family?.samples[0]?.value).toEqual(value === 0 ? 0 : value);
      }),
    );
  });

  it('counts values under the bounds that they are below, within the error of the histogram', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { maxLength: 100 }), (seconds) => {
        const samples = [{ labels: { kind: 'minor' }, histogram: histogramOf(seconds) }];
        const [family] = exposed(toFamily(METRICS.gc, samples));
        for (const { name, labels, value } of family?.samples ?? []) {
          if (!name.endsWith('_bucket')) continue;
          const bound = Number(labels['le']?.replace('+Inf', 'Infinity'));
          expect(value).toBeLessThanOrEqual(seconds.filter((each) => each <= bound).length);
          expect(value).toBeGreaterThanOrEqual(seconds.filter((each) => each < bound / (1 + 1 / 32) - 1e-6).length);
        }
      }),
    );
  });
});

describe('the choice of a format', () => {
  const PROMETHEUS_3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,' +
    'text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

  it.each([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/html, */*', false],
    ['text/plain', false],
    ['application/openmetrics-text', true],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', true],
    ['application/openmetrics-text; version=0.0.1', false],
    ['application/openmetrics-text;q=0', false],
    ['application/openmetrics-text;q=0.1, text/plain', false],
    [PROMETHEUS_3, true],
  ])('is, for %o, OpenMetrics: %s', (accept, isOpen) => {
    const { contentType, text } = expose(snapshotOf(), accept);
    expect(contentType.startsWith(OPEN)).toBe(isOpen);
    expect(text.endsWith('# EOF\n')).toBe(isOpen);
  });
});

describe('the reader of these tests', () => {
  it.each([
    ['no end', '# HELP a h\n# TYPE a gauge\na 1'],
    ['a counter without _total', '# HELP a h\n# TYPE a counter\na 1\n'],
    ['no type', '# HELP a h\na 1\n'],
    ['no help', '# TYPE a gauge\na 1\n'],
    ['a wrong escape', '# HELP a h\n# TYPE a gauge\na{b="\\x"} 1\n'],
    ['a bare quote', '# HELP a h\n# TYPE a gauge\na{b="""} 1\n'],
    ['a sample twice', '# HELP a h\n# TYPE a gauge\na 1\na 1\n'],
    ['a family twice', '# HELP a h\n# TYPE a gauge\na 1\n# HELP b h\n# TYPE b gauge\n# HELP a h\n'],
    ['a sample of another', '# HELP a h\n# TYPE a gauge\nb 1\n'],
    ['a wrong number', '# HELP a h\n# TYPE a gauge\na 1e\n'],
    ['no +Inf', '# HELP a h\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
    [
      'falling counts',
      '# HELP a h\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
  ])('refuses %s', (_what, text) => {
    expect(() => parseExposition(text, 'prometheus')).toThrow();
  });
});
