/** The contract of `balance/`: chooses backends, stands before them as a gateway, and says how many there should be. */

export { Gateway, type GatewayParts, type GatewayStatistics, type GatewayUrls } from './gateway/gateway.ts';
export type { DrainConfig, GatewayConfig, GatewayServerConfig, ListenConfig } from './gateway/gateway-options.ts';
export type { MergeConfig } from './gateway/merge-config.ts';
export type { Target, TargetCall, TargetFailure, TargetSink } from './gateway/target.ts';
export { ApiClient, KubernetesApiError } from './kubernetes/api-client.ts';
export { type KubernetesApiOptions, resolveApiOptions } from './kubernetes/api-options.ts';
export { EndpointSliceSource, type EndpointSliceSourceOptions } from './kubernetes/endpoint-slice-source.ts';
export {
  type Replicas,
  type ScaleResult,
  ScaleTarget,
  type ScaleTargetOptions,
} from './kubernetes/scale-target.ts';
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
export { FOR_WANT_OF_ROOM, MeanCost } from './scaling/mean-cost.ts';
export { AUTOSCALER_KEYS, type AutoscalerOptions, resolveAutoscalerOptions } from './scaling/options.ts';
export type { LoadSample, ScaleRecommendation } from './scaling/scale.ts';
export { ConfigFile, type ConfigFileOptions } from './sources/config-file.ts';
export { DnsSource, type DnsSourceOptions } from './sources/dns-source.ts';
export type { Endpoint, EndpointSource } from './sources/endpoint-source.ts';
export { type StaticEndpoint, StaticSource } from './sources/static-source.ts';
export { resolveStdioOptions, type StdioOptions } from './stdio/stdio-options.ts';
export { StdioTarget, type StdioTargetParts } from './stdio/stdio-target.ts';
export type { AnswerHead } from './upstream/answer-head.ts';
export { AnswerReader, type AnswerReceiver } from './upstream/answer-reader.ts';
export { HttpUpstream, type HttpUpstreamStatistics } from './upstream/http-upstream.ts';
export type {
  Upstream,
  UpstreamCall,
  UpstreamError,
  UpstreamErrorCode,
  UpstreamHeaders,
  UpstreamRequest,
  UpstreamSink,
} from './upstream/upstream-call.ts';
export type { HttpUpstreamOptions, UpstreamTlsOptions } from './upstream/upstream-options.ts';
