import type { Rpc } from './messages.ts';
import { Peer } from './peer.ts';
import type { TestServer } from './test-server.ts';

/** What a client declares that can be asked for everything. */
export const CAN = { elicitation: {}, sampling: {}, roots: {} };
/** A form that was filled in. */
export const ADA = { action: 'accept', content: { name: 'Ada' } };

/** A client on a connection that answers what it is asked. */
export async function answering(
  server: TestServer,
  answer: (request: Rpc) => object | undefined,
  capabilities: object = CAN,
): Promise<Peer> {
  const peer = await Peer.to(server);
  const clientInfo = { name: 'peer', version: '1.0.0' };
  await peer.legacy('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
  peer.onRequest((request) => {
    const answered = answer(request);
    if (answered !== undefined) peer.send({ jsonrpc: '2.0', id: request.id, ...answered });
  });
  return peer;
}
