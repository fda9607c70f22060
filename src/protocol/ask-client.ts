import type { OutgoingRequest, SendOptions } from '../dispatch/dispatch.ts';
import { PeregrineError } from '../kernel/errors.ts';
import { type ClientLink, ClientRequestError, type ClientRequests } from '../session/session.ts';
import type { Exchange } from '../transport/transport.ts';
import { type ClientCapabilities, clientNeedOf, declares, type Era } from '../wire/wire.ts';

/** What a request must tell of itself so that its client can be asked. */
export interface AskingCall {
  readonly era: Era;
  readonly principal: string | undefined;
  readonly sessionId: string | undefined;
  readonly signal: AbortSignal;
  readonly settled: boolean;
  readonly cancelled: boolean;
  readonly exchange: Exchange;
  readonly client:
    | { readonly owner: string; readonly version: string | undefined; readonly capabilities: ClientCapabilities }
    | undefined;
  tell(text: string): void;
  whenSettled(run: () => void): void;
}

/** What asking needs of the server. */
export interface Asking {
  /** The requests that legacy clients have to answer. */
  readonly requests?: ClientRequests | undefined;
  /** A handler asks a legacy client, or tries to. */
  readonly asked?: (() => void) | undefined;
}

/**
 * Asks the client of a legacy request something, on the connection or the event stream that the request belongs to. Over HTTP
 * without a session the id alone, which nobody can guess, says that an answer is meant for it.
 *
 * @throws {ClientRequestError}
 */
export async function askClient(
  call: AskingCall,
  { requests, asked }: Asking,
  request: OutgoingRequest,
  options?: SendOptions,
): Promise<Record<string, unknown>> {
  const { method } = request;
  if (call.era === 'modern')
    throw new PeregrineError(
      'SESSION_REQUIRED',
      `${method} cannot be sent to this client: return inputRequired(...) from the handler`,
    );
  asked?.();
  call.signal.throwIfAborted();
  const { client, exchange, principal } = call;
  if (requests === undefined || call.settled || !exchange.canStream)
    throw new ClientRequestError('CLIENT_UNREACHABLE', `${method} cannot be sent to this client`);
  const need = clientNeedOf(request);
  if (client?.version !== undefined && need !== undefined && !declares(client.capabilities, need))
    throw new ClientRequestError('CLIENT_LACKS_CAPABILITY', `the client does not do ${need.join(' of kind ')}`);
  if (exchange.closed && call.sessionId === undefined) throw hasLeft();
  let link = links.get(call);
  if (link === undefined) {
    const send = (text: string): void => (exchange.insist === undefined ? call.tell(text) : exchange.insist(text));
    const made: ClientLink = { owner: client?.owner ?? '', principal, send };
    call.whenSettled(() => requests.abandon(made, call.cancelled ? call.signal.reason : isOver()));
    if (client === undefined) exchange.onClose = () => requests.abandon(made, hasLeft());
    links.set(call, made);
    link = made;
  }
  return requests.ask(link, request, options);
}

/** The way back to the client of a request that has asked it something. */
const links = new WeakMap<AskingCall, ClientLink>();

function hasLeft(): ClientRequestError {
  return new ClientRequestError('CLIENT_LEFT', 'the client has left');
}

function isOver(): ClientRequestError {
  return new ClientRequestError('CLIENT_LEFT', 'the request was answered without it');
}
