import type { Clock } from '../../kernel/clock.ts';
import {
  ErrorCode,
  type HeaderParam,
  type Implementation,
  isObject,
  LEGACY_VERSIONS,
  MetaKey,
  MODERN_VERSION,
  NEWEST_LEGACY_VERSION,
} from '../../wire/wire.ts';
import type { Target, TargetCall, TargetFailure } from '../gateway/target.ts';
import { capabilitiesOf, type PeerDescription, type RpcError } from '../relay/peer.ts';
import { envelopeOf } from '../relay/relay.ts';
import { TargetError } from '../relay/target-error.ts';
import { modernHeaders, TargetPeer, unanswered, unavailable } from './target-peer.ts';
import { exchangeMessages, type TargetMessage } from './target-post.ts';

export interface ConnectParts {
  readonly target: Target;
  /** Who connects. */
  readonly identity: Implementation;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
  readonly headerParams: (tool: string) => readonly HeaderParam[] | undefined;
}

interface Answer {
  readonly status: number;
  readonly sessionId: string | undefined;
  readonly backend: string;
  readonly result: Record<string, unknown> | undefined;
  readonly error: RpcError | undefined;
}

/**
 * Finds out which era a server is of, and does the handshake of a legacy one.
 *
 * @throws {TargetError} when it cannot be spoken with.
 */
export async function connect(parts: ConnectParts, sessionLost: (peer: TargetPeer) => void): Promise<TargetPeer> {
  const discovered = await ask(parts, {
    ...message('server/discover', { _meta: envelopeOf(parts.identity) }),
    headers: modernHeaders('server/discover'),
  });
  const { result } = discovered;
  const versions = result?.['supportedVersions'];
  if (Array.isArray(versions) && versions.includes(MODERN_VERSION)) {
    const meta = isObject(result?.['_meta']) ? result['_meta'] : {};
    const description = describe(result ?? {}, meta[MetaKey.serverInfo], parts);
    return peerOf(parts, { era: 'modern', version: MODERN_VERSION, description, session: undefined, sessionLost });
  }
  refuseBroken(parts, discovered);
  return shakeHands(parts, sessionLost);
}

async function shakeHands(parts: ConnectParts, sessionLost: (peer: TargetPeer) => void): Promise<TargetPeer> {
  const params = { protocolVersion: NEWEST_LEGACY_VERSION, capabilities: {}, clientInfo: parts.identity };
  const answer = await ask(parts, { ...message('initialize', params), headers: [] });
  refuseBroken(parts, answer);
  const { result, error, status, sessionId, backend } = answer;
  if (result === undefined)
    throw new TargetError(
      failureOf(parts, `speaks no known protocol revision (${error?.message ?? `HTTP ${status}`})`),
    );
  const version = result['protocolVersion'] as string;
  if (!LEGACY_VERSIONS.includes(version))
    throw new TargetError(failureOf(parts, 'answered the handshake with an unknown protocol revision'));
  const session = sessionId === undefined ? undefined : { id: sessionId, backend };
  const description = describe(result, result['serverInfo'], parts);
  const peer = peerOf(parts, { era: 'legacy', version, description, session, sessionLost });
  await peer.initialized();
  return peer;
}

function peerOf(
  { target, maxMessageBytes, headerParams }: ConnectParts,
  found: {
    readonly era: 'modern' | 'legacy';
    readonly version: string;
    readonly description: PeerDescription;
    readonly session: TargetCall['session'];
    readonly sessionLost: (peer: TargetPeer) => void;
  },
): TargetPeer {
  const { sessionLost, ...rest } = found;
  const peer: TargetPeer = new TargetPeer({
    ...rest,
    target,
    maxMessageBytes,
    headerParams,
    sessionLost: () => sessionLost(peer),
  });
  return peer;
}

function describe(result: Record<string, unknown>, info: unknown, { target }: ConnectParts): PeerDescription {
  const { capabilities, instructions } = result;
  return {
    serverInfo: isObject(info) ? (info as unknown as Implementation) : { name: target.name, version: '0' },
    capabilities: capabilitiesOf(capabilities),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

/** An answer that tells nothing of the era: overload, a fault, or missing credentials. */
function refuseBroken({ target }: ConnectParts, { status, error }: Answer): void {
  if (status === 401 || status === 403)
    throw new TargetError(unavailable(`server "${target.name}" refuses the gateway's credentials (HTTP ${status})`));
  if (status === 429 || status >= 500 || error?.code === ErrorCode.Overloaded)
    throw new TargetError(unanswered(target.name, status));
}

function failureOf({ target }: ConnectParts, what: string): TargetFailure {
  return unavailable(`server "${target.name}" ${what}`);
}

function message(method: string, params: object): Omit<TargetMessage, 'headers'> {
  return { method: 'POST', text: JSON.stringify({ jsonrpc: '2.0', id: 0, method, params }), rpcMethod: method };
}

/** Sends a request that stands alone. @throws {TargetError} when there is no answer in time. */
function ask({ target, clock, timeoutMs, maxMessageBytes }: ConnectParts, request: TargetMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let head = { status: 0, sessionId: undefined as string | undefined, backend: '' };
    const fail = (failure: TargetFailure): void => {
      cancelTimer();
      reject(new TargetError(failure));
    };
    const done = (answer: Pick<Answer, 'result' | 'error'>): void => {
      cancelTimer();
      resolve({ ...head, ...answer });
    };
    let abort = (): void => {};
    // Before it is asked: it may fail at once.
    const cancelTimer = clock.after(timeoutMs, () => {
      abort();
      const text = `server "${target.name}" did not answer within ${timeoutMs} ms`;
      fail({ reason: 'timeout', message: text, retryAfterSeconds: 1 });
    });
    abort = exchangeMessages(target, request, maxMessageBytes, {
      head: (status, headers, backend) => {
        head = { status, sessionId: headers.get('mcp-session-id'), backend };
      },
      message: (answer) => {
        const { result, error } = answer as Record<string, unknown>;
        if (isObject(result)) done({ result, error: undefined });
        else if (isObject(error)) done({ result: undefined, error: error as unknown as RpcError });
      },
      ended: () => done({ result: undefined, error: undefined }),
      failed: fail,
    });
  });
}
