import { isObject } from './json.ts';

/** A request's id: a string or an integer, never null. */
export type RequestId = string | number;

export interface JsonRpcRequest {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

export interface JsonRpcNotification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

export interface JsonRpcResponse {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** The JSON-RPC and MCP error codes that this server answers. */
export const ErrorCode = Object.freeze({
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  /** HTTP framing that the endpoint refuses, such as a method it does not serve. */
  BadHttpRequest: -32000,
  /** Shed before it ran: the server is overloaded or stopping. Retryable. */
  Overloaded: -32010,
  HeaderMismatch: -32020,
  MissingClientCapability: -32021,
  UnsupportedProtocolVersion: -32022,
});

/** An error that answers the request with exactly this code, message and data. Handlers may throw it. */
export class ProtocolError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
    this.data = data;
  }
}

/** What a parsed message is. */
export type MessageKind = 'request' | 'notification' | 'response' | 'invalid';

/** Tells the kind of a parsed message by its members alone. */
export function kindOf(message: unknown): MessageKind {
  if (!isObject(message) || message['jsonrpc'] !== '2.0') return 'invalid';
  const { method, id, params } = message;
  if (method === undefined) return isResponse(message) ? 'response' : 'invalid';
  if (typeof method !== 'string') return 'invalid';
  if (params !== undefined && !isObject(params)) return 'invalid';
  if (id === undefined) return 'notification';
  return isRequestId(id) ? 'request' : 'invalid';
}

export function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id));
}

/** The id to echo in an error about a message that is not valid, where it has one. */
export function idOf(message: unknown): RequestId | undefined {
  return isObject(message) && isRequestId(message['id']) ? message['id'] : undefined;
}

function isResponse(message: Record<string, unknown>): boolean {
  const { id, result, error } = message;
  if (error === undefined) return isRequestId(id) && isObject(result);
  return (id === undefined || id === null || isRequestId(id)) && isObject(error) && result === undefined;
}

/** The start of a response: all up to the result. HOT: built for every answer. */
export function responsePrefix(id: RequestId): string {
  return responsePrefixOf(typeof id === 'number' ? String(id) : JSON.stringify(id));
}

/** The same where the id is at hand as JSON has it. */
export function responsePrefixOf(idText: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":`;
}

/** A whole error response. Without a known id it has none: MCP's ids are never null. */
export function errorText(id: RequestId | undefined, code: number, message: string, data?: unknown): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: data === undefined ? { code, message } : { code, message, data },
  });
}

/** A whole notification. */
export function notificationText(method: string, params?: object): string {
  return JSON.stringify(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params });
}
