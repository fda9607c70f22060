import { expect, it } from 'vitest';
import { expose, gatewaySnapshot } from '../../../src/monitor/monitor.ts';

it('writes what a gateway counted, by server and replica, and nothing that a server does not have', () => {
  const replica = { id: 'a:1', state: 'healthy', load: 0.25, connections: 2, requests: 10, errors: 1 };
  const replicas = {
    ...{ calls: 9, retries: 3, hedges: 1 },
    balancer: { instances: [replica, { ...replica, id: 'b:1', state: 'ejected', requests: 4, errors: 4 }] },
  };
  const readings = {
    servers: {
      shop: { inFlight: 2, refused: 5, cache: { hits: 7, misses: 8 }, replicas },
      files: { inFlight: 1, refused: 0, cache: undefined },
    },
  };
  const { text } = expose(gatewaySnapshot(readings, { at: 2_000, startedAt: 1_000 }), undefined);
  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'mcp_gateway_calls_total{server="shop"} 9',
    'mcp_gateway_calls_in_flight{server="shop"} 2',
    'mcp_gateway_calls_in_flight{server="files"} 1',
    'mcp_gateway_refused_total{server="shop"} 5',
    'mcp_gateway_refused_total{server="files"} 0',
    'mcp_gateway_retries_total{server="shop"} 3',
    'mcp_gateway_hedges_total{server="shop"} 1',
    'mcp_gateway_cache_hits_total{server="shop"} 7',
    'mcp_gateway_cache_misses_total{server="shop"} 8',
    'mcp_gateway_replica_requests_total{server="shop",replica="a:1"} 10',
    'mcp_gateway_replica_requests_total{server="shop",replica="b:1"} 4',
    'mcp_gateway_replica_errors_total{server="shop",replica="a:1"} 1',
    'mcp_gateway_replica_errors_total{server="shop",replica="b:1"} 4',
    'mcp_gateway_replica_calls_in_flight{server="shop",replica="a:1"} 2',
    'mcp_gateway_replica_calls_in_flight{server="shop",replica="b:1"} 2',
    'mcp_gateway_replica_load_ratio{server="shop",replica="a:1"} 0.25',
    'mcp_gateway_replica_load_ratio{server="shop",replica="b:1"} 0.25',
    'mcp_gateway_replica_up{server="shop",replica="a:1"} 1',
    'mcp_gateway_replica_up{server="shop",replica="b:1"} 0',
  ]);
});
