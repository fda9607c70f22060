import type { MonitorSources } from '../../../src/monitor/figures.ts';

/** Of a server without anything that the monitor could ask. */
export const NO_SOURCES: MonitorSources = Object.freeze({
  cache: () => ({
    memoryHits: 0,
    redisHits: 0,
    staleHits: 0,
    misses: 0,
    coalesced: 0,
    evictions: 0,
    invalidations: 0,
    errors: 0,
    hitRate: 0,
    missRate: 0,
    size: 0,
    bytes: 0,
    isRedisUsable: undefined,
  }),
  pools: () => ({}),
  limits: () => ({
    inFlight: 0,
    admitted: 0,
    delayMs: 0,
    overloaded: false,
    shed: { delay: 0, 'in-flight': 0, 'queue-full': 0, deadline: 0, rate: 0, memory: 0 },
    shedByClass: { list: 0, retry: 0, tool: 0, essential: 0, health: 0 },
    server: undefined,
    tools: {},
  }),
  breakers: () => ({}),
  tuning: () => ({ memory: undefined, tunables: {} }),
  state: () => 'ready',
});
