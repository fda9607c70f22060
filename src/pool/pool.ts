/** The contract of `pool/`: connections to databases and other servers, bounded and counted. */

export { isPublicAddress } from './http/address-guard.ts';
export type { HttpFetchInit } from './http/fetch-request.ts';
export type { HttpAnswer } from './http/http-answer.ts';
export { type HttpErrorCode, HttpPoolError } from './http/http-errors.ts';
export { type HttpFetcher, HttpPool, type HttpRequestOptions } from './http/http-pool.ts';
export type { HttpPoolOptions } from './http/http-pool-options.ts';
export type { HttpConnectionStatistics, HttpOriginStatistics, HttpPoolStatistics } from './http/http-statistics.ts';
