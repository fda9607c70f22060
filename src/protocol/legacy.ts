import type { Dispatcher, MethodHandler } from '../dispatch/dispatch.ts';
import {
  ErrorCode,
  isObject,
  LEGACY_VERSIONS,
  LOG_LEVELS,
  type LogLevel,
  NEWEST_LEGACY_VERSION,
  ProtocolError,
} from '../wire/wire.ts';
import type { Client } from './request-context.ts';

/** What a connection remembers of its legacy client. */
export interface LegacyPeer extends Client {
  info: Client['info'];
  capabilities: Client['capabilities'];
  logLevel: LogLevel | undefined;
  /** The version of the handshake. */
  version: string | undefined;
  /** Whether the handshake is complete, so that notifications may be sent. */
  ready: boolean;
  readonly watched: Set<string>;
}

export function createLegacyPeer(): LegacyPeer {
  return {
    info: undefined,
    capabilities: {},
    logLevel: undefined,
    version: undefined,
    ready: false,
    watched: new Set(),
  };
}

/** Most resources that one connection may watch. */
const MAX_WATCHED = 1_000;

/**
 * The handler of a method as the legacy revisions have it.
 *
 * @param peer The connection's memory; without one (stateless HTTP) what would be remembered is answered and forgotten.
 */
export function legacyHandler(
  method: string,
  dispatcher: Dispatcher,
  peer: LegacyPeer | undefined,
): MethodHandler | undefined {
  const empty: MethodHandler = (_params, call) => dispatcher.writer.complete({}, call);
  switch (method) {
    case 'initialize':
      return (params, call) => dispatcher.writer.complete(dispatcher.initialize(greet(params, peer)), call);
    case 'ping':
      return empty;
    case 'logging/setLevel':
      return (params, call) => {
        const level = params?.['level'];
        if (!LOG_LEVELS.includes(level as LogLevel))
          throw new ProtocolError(ErrorCode.InvalidParams, `level must be one of ${LOG_LEVELS.join(', ')}`);
        if (peer !== undefined) peer.logLevel = level as LogLevel;
        return empty(params, call);
      };
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      if (dispatcher.find('resources/read') === undefined) return undefined;
      return (params, call) => {
        watch(method === 'resources/subscribe', params?.['uri'], peer);
        return empty(params, call);
      };
    default:
      return dispatcher.find(method);
  }
}

/** Reads a handshake; answers the version to speak. @throws {ProtocolError} -32602 */
function greet(params: Record<string, unknown> | undefined, peer: LegacyPeer | undefined): string {
  const { protocolVersion, capabilities, clientInfo } = params ?? {};
  if (typeof protocolVersion !== 'string')
    throw new ProtocolError(ErrorCode.InvalidParams, 'protocolVersion must be a string');
  if (peer !== undefined) {
    peer.capabilities = isObject(capabilities) ? capabilities : {};
    peer.info = isObject(clientInfo) ? (clientInfo as unknown as Client['info']) : undefined;
  }
  const version = LEGACY_VERSIONS.includes(protocolVersion) ? protocolVersion : NEWEST_LEGACY_VERSION;
  if (peer !== undefined) peer.version = version;
  return version;
}

function watch(adds: boolean, uri: unknown, peer: LegacyPeer | undefined): void {
  if (typeof uri !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'uri must be a string');
  if (!adds) peer?.watched.delete(uri);
  else if (peer !== undefined && peer.watched.size >= MAX_WATCHED)
    throw new ProtocolError(ErrorCode.InvalidParams, `at most ${MAX_WATCHED} resources can be watched`);
  else peer?.watched.add(uri);
}
