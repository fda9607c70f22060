/** The contract of `transport/`: from bytes to a request, and from an answer to bytes. */
export { BatchCollector } from './batch-collector.ts';
export { latin1 } from './body.ts';
export type * from './exchange.ts';
export { owned, readDirectly } from './http/direct-reads.ts';
export { endpointPathOption } from './http/endpoint-path.ts';
export { createFetchHandler, type FetchHandler } from './http/fetch-handler.ts';
export { FieldHead } from './http/field-head.ts';
export { STREAM_HEADERS } from './http/http-exchange.ts';
export {
  endpointUrl,
  type HttpOptions,
  type ResolvedHttpOptions,
  resolveHttpOptions,
} from './http/http-options.ts';
export { HttpEndpoint, type HttpEndpointParts } from './http/http-server.ts';
export { HeadMemo } from './http/lane-memo.ts';
export { OriginGuard } from './http/origin-guard.ts';
export { NO_PAGES, type Page, type PageRequest, type Pages } from './http/page.ts';
export type { ResolvedSseOptions, SseOptions } from './http/sse-options.ts';
export { resolveTransportLimits, TRANSPORT_LIMIT_KEYS, type TransportLimits } from './limits.ts';
export { connectMemory, type MemoryClient } from './memory.ts';
export { type LineEvents, LineReader } from './stdio/line-reader.ts';
export { StdioEndpoint, type StdioStreams } from './stdio/stdio.ts';
