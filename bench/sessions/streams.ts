import { connect, type Socket } from 'node:net';
import { preparePost } from '../load/request-source.ts';

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const TYPES: readonly (readonly [string, string])[] = [
  ['content-type', 'application/json'],
  ['accept', 'application/json, text/event-stream'],
];
/** Streams that are opened at once. */
const AT_ONCE = 32;

/** What a legacy client says first. */
export function initializeOf(port: number): ReturnType<typeof preparePost> {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  return preparePost({ host: `127.0.0.1:${port}`, path: '/mcp', headers: TYPES, body });
}

function listenOf(port: number): Buffer {
  const method = 'subscriptions/listen';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method,
    params: { notifications: { toolsListChanged: true }, _meta },
  });
  const headers = [...TYPES, ['mcp-protocol-version', MODERN], ['mcp-method', method]] as const;
  return preparePost({ host: `127.0.0.1:${port}`, path: '/mcp', headers, body }).bytes;
}

/** Sends some bytes on a connection of its own, and waits until what comes back holds a text. */
function ask(port: number, bytes: Buffer | string, awaited: RegExp): Promise<{ socket: Socket; found: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    const onData = (piece: string): void => {
      text += piece;
      const found = awaited.exec(text);
      if (found === null) return;
      socket.off('data', onData).resume();
      resolve({ socket, found: found[1] ?? '' });
    };
    socket.setEncoding('latin1').on('data', onData).on('error', reject);
    socket.on('close', () => reject(new Error(`the stream ended: ${text.slice(0, 300)}`)));
    socket.write(bytes);
  });
}

/** Opens `subscriptions/listen` streams, each on a connection of its own. */
export function openListens(port: number, count: number): Promise<Socket[]> {
  return inTurns(count, async () => (await ask(port, listenOf(port), /subscriptions\/acknowledged/)).socket);
}

/** Makes sessions, and tells their ids. */
export function openSessions(port: number, count: number): Promise<string[]> {
  const { bytes } = initializeOf(port);
  return inTurns(count, async () => {
    const { socket, found } = await ask(port, bytes, /^mcp-session-id: ?(\S+)\r\n[\s\S]*serverInfo/im);
    socket.destroy();
    return found;
  });
}

/** Opens the streams that sessions have for what belongs to no request. */
export function openGets(port: number, ids: readonly string[]): Promise<Socket[]> {
  return inTurns(ids.length, async (index) => {
    const lines = [
      'GET /mcp HTTP/1.1',
      `host: 127.0.0.1:${port}`,
      'accept: text/event-stream',
      `mcp-protocol-version: ${LEGACY}`,
      `mcp-session-id: ${ids[index]}`,
    ];
    return (await ask(port, `${lines.join('\r\n')}\r\n\r\n`, /^HTTP\/1\.1 200 [\s\S]*text\/event-stream/)).socket;
  });
}

async function inTurns<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) made.push(await make(next++));
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
  return made;
}
