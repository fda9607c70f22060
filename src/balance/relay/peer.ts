import {
  type Era,
  type Implementation,
  isObject,
  type JsonBounds,
  type ModernResultWriter,
  type ServerCapabilities,
} from '../../wire/wire.ts';
import type { TargetFailure } from '../gateway/target.ts';

/** What servers say may have any number of values, but no depth at which it could not be written again. */
export const ANSWER_BOUNDS: JsonBounds = Object.freeze({ maxDepth: 1_000, maxElements: Number.MAX_SAFE_INTEGER });

/** The error member of a JSON-RPC answer. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Gets what a server says about one request: notifications, then one of the others. */
export interface PeerSink {
  notification(method: string, params: Record<string, unknown> | undefined): void;
  result(result: Record<string, unknown>): void;
  error(error: RpcError): void;
  /** No answer will come. */
  failed(failure: TargetFailure): void;
}

/** A request in the server's own era. */
export interface PeerRequest {
  readonly method: string;
  readonly params: Record<string, unknown>;
  /** Whether progress is wanted; the token is the peer's affair. */
  readonly wantsProgress: boolean;
}

/** What a server says of itself. */
export interface PeerDescription {
  readonly serverInfo: Implementation;
  readonly capabilities: ServerCapabilities;
  readonly instructions: string | undefined;
}

/** What an endpoint says of itself, and how it writes modern results. */
export interface Description extends PeerDescription {
  readonly writer: ModernResultWriter;
}

/** A server whose era is known. */
export interface Peer {
  readonly era: Era;
  readonly description: PeerDescription;
  /** @returns What cancels the request: the sink hears nothing more. */
  request(request: PeerRequest, sink: PeerSink): () => void;
}

/** The capabilities that a server says it has: what it says to be nothing, as some do for what they have not, is none. */
export function capabilitiesOf(said: unknown): ServerCapabilities {
  return isObject(said) ? Object.fromEntries(Object.entries(said).filter(([, value]) => isObject(value))) : {};
}
