import { MetaKey, MODERN_VERSION } from '../../wire/wire.ts';
import type { UpstreamRequest } from '../upstream/upstream-call.ts';
import type { Backend } from './backend.ts';

const SERVER_ERROR = 500;
const DISCOVER_BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 'health',
  method: 'server/discover',
  params: { _meta: { [MetaKey.protocolVersion]: MODERN_VERSION, [MetaKey.clientCapabilities]: {} } },
});
const DISCOVER_LINES = [
  'Content-Type: application/json',
  'Accept: application/json, text/event-stream',
  `MCP-Protocol-Version: ${MODERN_VERSION}`,
  'Mcp-Method: server/discover',
  '',
].join('\r\n');

/**
 * Asks a backend whether it works: any answer below 500 will do, for a server of another revision, or one that wants
 * credentials, works too. Without a path the question is `server/discover`.
 */
export function probe(backend: Backend | undefined, path: string | undefined, signal: AbortSignal): Promise<void> {
  if (backend === undefined) return Promise.resolve();
  const request: UpstreamRequest =
    path === undefined
      ? { method: 'POST', path: backend.path, headerLines: DISCOVER_LINES, body: DISCOVER_BODY }
      : { method: 'GET', path, headerLines: '' };
  return new Promise((resolve, reject) => {
    const call = backend.upstream.send(request, {
      head(status, headers) {
        if (status >= SERVER_ERROR) reject(new Error(`it answered with status ${status}`));
        else if (headers.get('content-length') !== undefined)
          return; // An answer that stops in the middle is none.
        else resolve();
        queueMicrotask(() => call.abort()); // It may never end, and would keep its connection.
      },
      data: () => {},
      ended: resolve,
      failed: reject,
    });
    signal.addEventListener('abort', () => call.abort(), { once: true });
  });
}
