import type { Dispatcher, MethodHandler } from '../dispatch/dispatch.ts';
import type { Awaitable } from '../state/state.ts';
import {
  type ClientCapabilities,
  ErrorCode,
  type Implementation,
  isObject,
  LEGACY_VERSIONS,
  LOG_LEVELS,
  type LogLevel,
  NEWEST_LEGACY_VERSION,
  ProtocolError,
} from '../wire/wire.ts';
import type { Client } from './request-context.ts';

/** What a client says of itself in its handshake. */
export interface Greeting {
  /** The version to speak. */
  readonly version: string;
  readonly info: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
}

/** What remembers a legacy client: its connection, or its session. */
export interface ClientMemory {
  /** @returns Whether the client can watch resources. */
  greet(greeting: Greeting): Awaitable<boolean>;
  setLevel(level: LogLevel): Awaitable<void>;
  watch(uri: string): Awaitable<void>;
  unwatch(uri: string): Awaitable<void>;
}

/** A legacy client on a connection of its own. */
export class ConnectionPeer implements Client, ClientMemory {
  readonly owner: string;
  info: Client['info'];
  capabilities: ClientCapabilities = {};
  logLevel: LogLevel | undefined;
  version: string | undefined;
  /** Whether the handshake is complete, so that notifications may be sent. */
  ready = false;
  readonly watched = new Set<string>();

  /** @param owner A name that no other connection or session has. */
  constructor(owner: string) {
    this.owner = owner;
  }

  greet({ version, info, capabilities }: Greeting): boolean {
    this.version = version;
    this.info = info;
    this.capabilities = capabilities;
    return true;
  }

  setLevel(level: LogLevel): void {
    this.logLevel = level;
  }

  watch(uri: string): void {
    if (this.watched.size >= MAX_WATCHED) throw tooManyWatched();
    this.watched.add(uri);
  }

  unwatch(uri: string): void {
    this.watched.delete(uri);
  }
}

/** Most resources that one connection or session may watch. */
export const MAX_WATCHED = 1_000;

export function tooManyWatched(): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidParams, `at most ${MAX_WATCHED} resources can be watched`);
}

/**
 * The handler of a method as the legacy revisions have it.
 *
 * @param memory Without one (stateless HTTP) what would be remembered is answered and forgotten.
 */
export function legacyHandler(
  method: string,
  dispatcher: Dispatcher,
  memory: ClientMemory | undefined,
): MethodHandler | undefined {
  switch (method) {
    case 'initialize':
      return (params, call) => {
        const greeting = readGreeting(params);
        return after(memory?.greet(greeting) ?? false, (canWatch) =>
          dispatcher.writer.complete(dispatcher.initialize(greeting.version, canWatch), call),
        );
      };
    case 'ping':
      return (_params, call) => dispatcher.writer.complete({}, call);
    case 'logging/setLevel':
      return (params, call) => {
        const level = params?.['level'];
        if (!LOG_LEVELS.includes(level as LogLevel))
          throw new ProtocolError(ErrorCode.InvalidParams, `level must be one of ${LOG_LEVELS.join(', ')}`);
        return after(memory?.setLevel(level as LogLevel), () => dispatcher.writer.complete({}, call));
      };
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      if (dispatcher.find('resources/read') === undefined) return undefined;
      return (params, call) => {
        const uri = params?.['uri'];
        if (typeof uri !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'uri must be a string');
        const done = method === 'resources/subscribe' ? memory?.watch(uri) : memory?.unwatch(uri);
        return after(done, () => dispatcher.writer.complete({}, call));
      };
    default:
      return dispatcher.find(method);
  }
}

/** Goes on with a value, at once where it is there. */
function after<T>(value: Awaitable<T>, next: (value: T) => string): Awaitable<string> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Reads a handshake. @throws {ProtocolError} -32602 */
function readGreeting(params: Record<string, unknown> | undefined): Greeting {
  const { protocolVersion, capabilities, clientInfo } = params ?? {};
  if (typeof protocolVersion !== 'string')
    throw new ProtocolError(ErrorCode.InvalidParams, 'protocolVersion must be a string');
  return {
    version: LEGACY_VERSIONS.includes(protocolVersion) ? protocolVersion : NEWEST_LEGACY_VERSION,
    info: isObject(clientInfo) ? (clientInfo as unknown as Implementation) : undefined,
    capabilities: isObject(capabilities) ? capabilities : {},
  };
}
