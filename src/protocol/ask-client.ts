import type { OutgoingRequest, SendOptions } from '../dispatch/dispatch.ts';
import { PeregrineError } from '../kernel/errors.ts';
import { type ClientLink, ClientRequestError } from '../session/session.ts';
import { clientNeedOf, declares } from '../wire/wire.ts';
import type { RequestContext, RequestShared } from './request-context.ts';

/**
 * Asks the client of a legacy request something, on the connection or the event stream that the request belongs to. Over HTTP
 * without a session the id alone, which nobody can guess, says that an answer is meant for it.
 *
 * @throws {ClientRequestError}
 */
export async function askClient(
  call: RequestContext,
  { requests, asked }: RequestShared,
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
    const made: ClientLink = { owner: client?.owner ?? '', principal, send: (text) => call.tell(text) };
    call.whenSettled(() => requests.abandon(made, call.cancelled ? call.signal.reason : isOver()));
    if (client === undefined) exchange.onClose = () => requests.abandon(made, hasLeft());
    links.set(call, made);
    link = made;
  }
  return requests.ask(link, request, options);
}

/** The way back to the client of a request that has asked it something. */
const links = new WeakMap<RequestContext, ClientLink>();

function hasLeft(): ClientRequestError {
  return new ClientRequestError('CLIENT_LEFT', 'the client has left');
}

function isOver(): ClientRequestError {
  return new ClientRequestError('CLIENT_LEFT', 'the request was answered without it');
}
