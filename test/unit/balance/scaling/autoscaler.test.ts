import { describe, expect, it } from 'vitest';
import {
  Autoscaler,
  type AutoscalerOptions,
  type LoadSample,
  type ScaleRecommendation,
} from '../../../../src/balance/balance.ts';

const IDLE: LoadSample = {
  instances: 4,
  starting: 0,
  utilization: 0,
  backlogSeconds: 0,
  shedPerSecond: 0,
  meanCostSeconds: 0.01,
};

/** An autoscaler and the time of its next sample. */
class Rig {
  readonly autoscaler: Autoscaler;
  #at = 0;

  constructor(options?: AutoscalerOptions) {
    this.autoscaler = new Autoscaler(options);
  }

  /** The same sample for so many seconds. @returns What was told. */
  observe(seconds: number, sample: Partial<LoadSample>): ScaleRecommendation[] {
    const told: ScaleRecommendation[] = [];
    for (let passed = 0; passed < seconds; passed += 2) {
      this.#at += 2_000;
      const recommendation = this.autoscaler.observe({ ...IDLE, ...sample }, this.#at);
      if (recommendation !== undefined) told.push(recommendation);
    }
    return told;
  }
}

const numbers = (told: readonly ScaleRecommendation[]) => told.map(({ from, to }) => [from, to]);

describe('demand', () => {
  it('is what loops are busy, what waits over 0.2 s, and what was refused times its cost', () => {
    const rig = new Rig();
    rig.observe(2, { utilization: 1.5, backlogSeconds: 0.1, shedPerSecond: 50, meanCostSeconds: 0.02 });
    expect(rig.autoscaler.demand).toBeCloseTo(1.5 + 0.5 + 1);
    expect(rig.autoscaler.demandRatio).toBeCloseTo(3 / 4);
  });

  it('is nothing before the first sample', () => {
    const { autoscaler } = new Rig();
    expect([autoscaler.demand, autoscaler.demandRatio, autoscaler.recommendedInstances]).toEqual([0, 0, undefined]);
  });

  it('per instance is the mean of 6 seconds', () => {
    const rig = new Rig();
    rig.observe(60, { utilization: 0.4 });
    rig.observe(4, { utilization: 2.8 });
    expect(rig.autoscaler.demandRatio).toBeCloseTo((0.4 + 2.8 + 2.8) / 3 / 4);
  });
});

describe('up', () => {
  it('goes above 0.8 per instance, to 0.6 of it, at once', () => {
    const rig = new Rig();
    expect(rig.observe(20, { utilization: 3.1 })).toEqual([]);
    expect(rig.observe(6, { utilization: 3.5 })).toEqual([
      {
        direction: 'up',
        from: 4,
        to: 6,
        recommendedInstances: 6,
        reason: 'demand for 0.81 of an event loop per instance over 6 s, above 0.8',
        window: 6,
      },
    ]);
    expect(rig.autoscaler.recommendedInstances).toBe(6);
  });

  it('counts instances that are starting', () => {
    const rig = new Rig();
    expect(numbers(rig.observe(6, { utilization: 3.5, starting: 1 }))).toEqual([[5, 6]]);
    expect(rig.observe(6, { utilization: 3.5, starting: 2 })).toEqual([]);
    expect(rig.autoscaler.recommendedInstances).toBe(6);
  });

  it('goes as far as 16 instances, or as it was told', () => {
    expect(numbers(new Rig().observe(2, { utilization: 4, backlogSeconds: 20 }))).toEqual([[4, 16]]);
    expect(numbers(new Rig({ maxInstances: 5 }).observe(2, { utilization: 4, backlogSeconds: 20 }))).toEqual([[4, 5]]);
    expect(new Rig({ maxInstances: 4 }).observe(2, { utilization: 4, backlogSeconds: 20 })).toEqual([]);
    expect(new Rig({ maxInstances: 3 }).observe(2, { utilization: 4, backlogSeconds: 20 })).toEqual([]);
  });

  it('goes to at least 2 when one is not enough', () => {
    expect(numbers(new Rig().observe(2, { instances: 1, utilization: 0.85 }))).toEqual([[1, 2]]);
  });
});

describe('down', () => {
  it('goes when both means are below 0.3, and what went before in two minutes asked for no more', () => {
    const rig = new Rig();
    expect(rig.observe(118, { utilization: 1 })).toEqual([]);
    expect(rig.observe(4, { utilization: 1 })).toEqual([
      {
        direction: 'down',
        from: 4,
        to: 2,
        recommendedInstances: 2,
        reason: 'demand for 0.25 of an event loop per instance over 60 s, below 0.3',
        window: 60,
      },
    ]);
  });

  it('goes to the most that was asked for in these two minutes', () => {
    const rig = new Rig();
    rig.observe(120, { instances: 10, utilization: 2.9 });
    expect(numbers(rig.observe(2, { instances: 10, utilization: 1 }))).toEqual([[10, 5]]);
    const busier = new Rig();
    busier.observe(60, { instances: 10, utilization: 4 });
    busier.observe(80, { instances: 10, utilization: 1.9 });
    expect(numbers(busier.observe(100, { instances: 10, utilization: 1.9 }))).toEqual([[10, 5]]);
  });

  it('halves at most, and again after two minutes', () => {
    const rig = new Rig();
    expect(numbers(rig.observe(122, { instances: 16 }))).toEqual([[16, 8]]);
    expect(numbers(rig.observe(118, { instances: 8 }))).toEqual([]);
    expect(numbers(rig.observe(4, { instances: 8 }))).toEqual([[8, 4]]);
    expect(numbers(rig.observe(122, { instances: 4 }))).toEqual([[4, 2]]);
    expect(numbers(rig.observe(300, { instances: 2 }))).toEqual([]);
    expect(numbers(rig.observe(300, { instances: 1 }))).toEqual([]);
  });

  it('waits for 60 seconds after a panic', () => {
    const rig = new Rig();
    rig.observe(300, { instances: 8, utilization: 4 });
    rig.observe(6, { instances: 8, utilization: 8, backlogSeconds: 1 });
    const calm = { instances: 8, utilization: 0.5 };
    // Without the panic, the long mean would be low enough after 44 seconds.
    expect(numbers(rig.observe(176, calm)).filter(([, to]) => to === 4)).toEqual([]);
    expect(numbers(rig.observe(2, calm))).toEqual([[8, 4]]);
  });
});

describe('a recommendation', () => {
  it('is told once, also when nobody follows it', () => {
    const rig = new Rig();
    expect(numbers(rig.observe(600, { utilization: 3.6 }))).toEqual([[4, 6]]);
    expect(numbers(rig.observe(600, { utilization: 4 }))).toEqual([[4, 7]]);
  });

  it('is not told again when it was wanted less for a moment', () => {
    const rig = new Rig();
    expect(numbers(rig.observe(20, { utilization: 3.6 }))).toEqual([[4, 6]]);
    expect(rig.observe(20, { utilization: 3 })).toEqual([]);
    expect(rig.observe(20, { utilization: 3.6 }).map(({ to }) => to)).not.toContain(6);
  });

  it('is told again after it was followed, or long after it was wanted', () => {
    const followed = new Rig();
    followed.observe(20, { utilization: 3.6 });
    followed.observe(20, { instances: 6, utilization: 3.6 });
    expect(numbers(followed.observe(20, { utilization: 3.6 }))).toEqual([[4, 6]]);
    const late = new Rig();
    late.observe(20, { utilization: 3.6 });
    late.observe(140, { utilization: 3 });
    expect(numbers(late.observe(6, { utilization: 3.6 })).at(-1)).toEqual([4, 6]);
  });
});

describe('the options', () => {
  it.each<[unknown, string]>([
    [{ minInstances: 0 }, 'option "scaling.minInstances" must be an integer from 1 to 10000, got 0'],
    [{ minInstances: 4, maxInstances: 3 }, 'option "scaling.maxInstances" must be an integer from 4 to 10000, got 3'],
    [{ scaleUpAt: 80 }, 'option "scaling.scaleUpAt" must be a number from 0.01 to 1, got 80'],
    [{ scaleUpAt: 0.5 }, 'option "scaling.target" must be at most scaleUpAt, 0.5, got 0.6'],
    [{ scaleDownAt: 0.7 }, 'option "scaling.target" must be at least scaleDownAt, 0.7, got 0.6'],
    [{ scaleUpAt: '80 %' }, 'option "scaling.scaleUpAt" must be a number from 0.01 to 1, got "80 %"'],
    [{ min: 2 }, 'option "scaling.min" is not known'],
  ])('refuse %o', (options, message) => {
    expect(() => new Autoscaler(options as AutoscalerOptions)).toThrow(message);
  });

  it('take a least number above the usual most', () => {
    const rig = new Rig({ minInstances: 20 });
    expect(numbers(rig.observe(2, { instances: 4, utilization: 4 }))).toEqual([[4, 20]]);
  });
});
