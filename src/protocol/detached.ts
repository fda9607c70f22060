import type { ServerContext } from '../dispatch/dispatch.ts';
import type { Exchange } from '../transport/transport.ts';
import { RequestContext, type RequestShared } from './request-context.ts';

/** The context of a call that no client made: an author's own code calls a tool. Nothing it sends goes anywhere. */
export function createDetachedContext(
  method: string,
  params: Record<string, unknown>,
  shared: RequestShared,
): ServerContext {
  const exchange: Exchange = {
    head: undefined,
    closed: false,
    onClose: undefined,
    canStream: false,
    notify: () => {},
    respond: () => {},
  };
  return new RequestContext(exchange, 'modern', { jsonrpc: '2.0', id: 0, method, params }, undefined, shared);
}
