import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../src/monitor/definitions.ts';

const all = Object.values(METRICS);

describe('the metrics', () => {
  it('are those of spec/metric-names.json, which `vitest -u` rewrites after a wanted change', async () => {
    await expect(`${JSON.stringify(all, undefined, 2)}\n`).toMatchFileSnapshot('../../../spec/metric-names.json');
  });

  it('have names, units and labels as Prometheus and OpenMetrics want them', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name, kind, unit, labels, help } of all) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      expect(name).not.toMatch(/_(total|sum|count|bucket|created|info)$/);
      if (unit !== undefined) expect(name.endsWith(`_${unit}`)).toBe(true);
      else expect(name).not.toMatch(/_(seconds|bytes|ratio)$/);
      if (kind === 'histogram') expect(unit).toBe('seconds');
      for (const label of labels) expect(label).toMatch(/^(?!instance$|le$|job$)[a-z]+(_[a-z]+)*$/);
      expect(help).toMatch(/^[A-Z].*\.$/);
    }
  });
});
