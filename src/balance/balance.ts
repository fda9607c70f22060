/** The contract of `balance/`: chooses backends, stands before them as a gateway, and says how many there should be. */

export type { Target, TargetCall, TargetFailure, TargetSink } from './gateway/target.ts';
export { type MergedEndpointOptions, type MergedServer, resolveMergeOptions } from './merge/merge-options.ts';
export { MergedEndpoint } from './merge/merged-endpoint.ts';
export type {
  BackendLoad,
  BackendState,
  BackendStatistics,
  BalancerStatistics,
  BalancingAlgorithm,
  CallOutcome,
  ChosenBackend,
} from './picking/backend.ts';
export { type BackendEvent, LoadBalancer } from './picking/load-balancer.ts';
export type { EjectionOptions, LoadBalancerOptions, ProbeOptions } from './picking/options.ts';
export { Autoscaler } from './scaling/autoscaler.ts';
export { AUTOSCALER_KEYS, type AutoscalerOptions, resolveAutoscalerOptions } from './scaling/options.ts';
export type { LoadSample, ScaleRecommendation } from './scaling/scale.ts';
export type { Endpoint, EndpointSource } from './sources/endpoint-source.ts';
export { resolveStdioOptions, type StdioOptions } from './stdio/stdio-options.ts';
export { StdioTarget, type StdioTargetParts } from './stdio/stdio-target.ts';
export type {
  Upstream,
  UpstreamCall,
  UpstreamError,
  UpstreamErrorCode,
  UpstreamHeaders,
  UpstreamRequest,
  UpstreamSink,
} from './upstream/upstream-call.ts';
