import type { MetricFamily } from './metric-family.ts';

/** What a metric is, without its values. */
export interface MetricDefinition extends Pick<MetricFamily, 'name' | 'kind' | 'help' | 'unit'> {
  /** The labels that its series may have; merged gauges get `instance` besides. An empty label is left out. */
  readonly labels: readonly string[];
}

type Unit = NonNullable<MetricFamily['unit']>;

const counter = (name: string, help: string, labels: readonly string[] = [], unit?: Unit): MetricDefinition =>
  Object.freeze({ name, kind: 'counter', help, labels, ...(unit && { unit }) });
const gauge = (name: string, help: string, labels: readonly string[] = [], unit?: Unit): MetricDefinition =>
  Object.freeze({ name, kind: 'gauge', help, labels, ...(unit && { unit }) });
const histogram = (name: string, help: string, labels: readonly string[] = []): MetricDefinition =>
  Object.freeze({ name, kind: 'histogram', help, labels, unit: 'seconds' });

/** Of what a request was about: tools and prompts under the names of OpenTelemetry's conventions, all else as `target`. */
const REQUEST = ['mcp_method_name', 'gen_ai_tool_name', 'gen_ai_prompt_name', 'target'] as const;

/** A replica behind a gateway, by the name of the server that it is one of. */
const REPLICA = ['server', 'replica'] as const;

/** Every metric there is but the author's own: the exposition, `spec/metric-names.json`, rules and dashboards are made of it. */
export const METRICS = Object.freeze({
  requests: counter('mcp_server_requests', 'Requests answered, by how they ended.', [...REQUEST, 'outcome']),
  duration: histogram('mcp_server_operation_duration_seconds', 'Time from the parsed request to its written answer.', [
    ...REQUEST,
    'error_type',
  ]),
  inFlight: gauge('mcp_server_requests_in_flight', 'Requests let in whose handlers have not settled.'),
  faults: counter('mcp_server_faults', 'Faults that clients were not told about.'),
  connections: gauge('mcp_server_connections', 'Open connections.'),
  connectionEvents: counter(
    'mcp_server_connection_events',
    'Connections that came, went, were refused or handed over.',
    ['event'],
  ),

  sheds: counter('mcp_server_sheds', 'Work refused before it was begun.', ['reason', 'class']),
  overloaded: gauge('mcp_server_overloaded', 'Whether more comes than can be done in time: 1 or 0.'),
  limitRunning: gauge(
    'mcp_server_limit_running',
    'Calls that hold a slot of a limit; the server is the limit of all.',
    ['limit'],
  ),
  limitWaiting: gauge('mcp_server_limit_waiting', 'Calls queued for a slot of a limit.', ['limit']),
  limitSlots: gauge('mcp_server_limit_slots', 'Slots of a limit.', ['limit']),

  cacheHits: counter('mcp_server_cache_hits', 'Reads answered with a kept value, stale ones included.', ['tier']),
  cacheMisses: counter('mcp_server_cache_misses', 'Reads that found no kept value, coalesced ones included.'),
  cacheStale: counter('mcp_server_cache_stale_hits', 'Hits on a value past its time, while it was computed anew.'),
  cacheCoalesced: counter('mcp_server_cache_coalesced', 'Misses that joined a computation under way.'),
  cacheEvictions: counter('mcp_server_cache_evictions', 'Values that left memory to make room.'),
  cacheInvalidations: counter('mcp_server_cache_invalidations', 'Invalidations.'),
  cacheErrors: counter('mcp_server_cache_errors', 'Calls to the second tier that failed or took too long.'),
  cacheEntries: gauge('mcp_server_cache_entries', 'Values in memory.'),
  cacheSize: gauge('mcp_server_cache_size_bytes', 'Their size, roughly.', [], 'bytes'),
  cacheTierUp: gauge('mcp_server_cache_tier_up', 'Whether the second tier is used: 1 or 0; absent without one.'),

  poolSize: gauge('mcp_server_pool_size', 'Open connections or live workers of a pool.', ['pool']),
  poolMax: gauge('mcp_server_pool_max', 'Most that a pool opens.', ['pool']),
  poolInUse: gauge('mcp_server_pool_in_use', 'Of these, in use.', ['pool']),
  poolWaiting: gauge('mcp_server_pool_waiting', 'Callers that wait for one.', ['pool']),
  poolUtilization: gauge('mcp_server_pool_utilization_ratio', 'Share of a pool in use, 0 to 1.', ['pool'], 'ratio'),
  poolAcquired: counter('mcp_server_pool_acquired', 'Handed out by a pool.', ['pool']),
  poolWait: counter('mcp_server_pool_wait_seconds', 'Time that callers waited for a pool.', ['pool'], 'seconds'),
  poolErrors: counter('mcp_server_pool_errors', 'Connections or workers that could not be made or were lost.', [
    'pool',
  ]),
  poolTimeouts: counter('mcp_server_pool_timeouts', 'Callers that waited too long, or found the queue full.', ['pool']),
  workerEvents: counter('mcp_server_worker_events', 'Workers started, ended or crashed, and tasks not done in time.', [
    'pool',
    'event',
  ]),

  breakerState: gauge('mcp_server_breaker_state', 'Of each state 1 if a circuit breaker is in it, else 0.', [
    'breaker',
    'state',
  ]),
  breakerTransitions: counter('mcp_server_breaker_transitions', 'Changes of state of a circuit breaker.', [
    'breaker',
    'state',
  ]),
  instances: gauge('mcp_server_instances', 'Of each state how many instances are in it.', ['state']),
  instanceFailures: counter(
    'mcp_server_instance_failures',
    'Instances that ended or were ended although they were wanted.',
  ),
  demand: gauge('mcp_demand_ratio', 'Event loops that an instance would need; 0.6 is what to aim at.', [], 'ratio'),
  instancesRecommended: gauge('mcp_server_instances_recommended', 'How many instances there should be.'),
  scalings: counter('mcp_server_scalings', 'Recommendations to change the number of instances.', ['direction']),

  memoryPressure: gauge(
    'mcp_server_memory_pressure_ratio',
    'Share in use of the limit of memory or heap that is nearer.',
    [],
    'ratio',
  ),
  memoryRelief: counter(
    'mcp_server_memory_relief',
    'Times that memory was freed, or new work was refused for lack of it.',
    ['measure'],
  ),
  tunable: gauge('mcp_server_tunable', 'What the optimizer tunes, at its value now.', ['tunable']),

  gatewayCalls: counter('mcp_gateway_calls', 'Calls that a gateway made for clients, by server.', ['server']),
  gatewayInFlight: gauge('mcp_gateway_calls_in_flight', 'Calls of clients that go on.', ['server']),
  gatewayRefused: counter('mcp_gateway_refused', 'Calls refused since there were too many.', ['server']),
  gatewayRetries: counter('mcp_gateway_retries', 'Second attempts after a first one failed.', ['server']),
  gatewayHedges: counter('mcp_gateway_hedges', 'Second attempts while a first one took long.', ['server']),
  gatewayCacheHits: counter('mcp_gateway_cache_hits', 'Answers that were kept for everyone.', ['server']),
  gatewayCacheMisses: counter('mcp_gateway_cache_misses', 'Requests whose answer may be kept and was not.', ['server']),
  replicaRequests: counter('mcp_gateway_replica_requests', 'Calls made to a replica.', REPLICA),
  replicaErrors: counter('mcp_gateway_replica_errors', 'Calls in which a replica failed.', REPLICA),
  replicaInFlight: gauge('mcp_gateway_replica_calls_in_flight', 'Calls that a replica is about.', REPLICA),
  replicaLoad: gauge('mcp_gateway_replica_load_ratio', 'How busy a replica is.', REPLICA, 'ratio'),
  replicaUp: gauge('mcp_gateway_replica_up', 'Whether a replica is healthy: 1 or 0.', REPLICA),

  cpu: counter('process_cpu_seconds', 'CPU time, user and system.', [], 'seconds'),
  cores: gauge('process_cpu_cores', 'Hardware threads that the process may use; a fraction under a quota.'),
  load: gauge('system_load_average', "The machine's load average.", ['period']),
  startTime: gauge('process_start_time_seconds', 'When the server was made, since 1970.', [], 'seconds'),
  resident: gauge('process_resident_memory_bytes', 'Resident memory.', [], 'bytes'),
  memoryLimit: gauge('process_memory_limit_bytes', 'Memory that the process may use.', [], 'bytes'),
  heapUsed: gauge('nodejs_heap_size_used_bytes', 'Heap in use.', [], 'bytes'),
  heapTotal: gauge('nodejs_heap_size_total_bytes', 'Heap taken from the system.', [], 'bytes'),
  external: gauge('nodejs_external_memory_bytes', 'Memory of objects outside the heap.', [], 'bytes'),
  loopActive: counter('nodejs_eventloop_active_seconds', 'Time that the event loop was busy.', [], 'seconds'),
  loopIdle: counter(
    'nodejs_eventloop_idle_seconds',
    'Time that the event loop waited for something to do.',
    [],
    'seconds',
  ),
  loopDelay: histogram(
    'nodejs_eventloop_delay_seconds',
    'How late the event loop ran a timer, looked at 50 times a second.',
  ),
  gc: histogram('nodejs_gc_duration_seconds', 'Pauses for garbage collection.', ['kind']),
  ioRead: counter('process_io_read_bytes', 'Read from storage; absent where the system does not tell.', [], 'bytes'),
  ioWritten: counter(
    'process_io_written_bytes',
    'Written to storage; absent where the system does not tell.',
    [],
    'bytes',
  ),
});
