import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, ROUTES, textOf } from './peers.ts';
import { type SampleServer, startSample } from './sample-server.ts';

let server: SampleServer;
let url: URL;
beforeAll(async () => {
  ({ server, url } = await startSample());
});
afterAll(() => server?.stop());

describe.each(ROUTES)('$title', ({ title, era, transport, connect }) => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await connect(url);
  });
  afterAll(() => peer?.close());

  const waitFor = async (event: string): Promise<string> =>
    textOf(await peer.callTool({ name: 'wait_for', arguments: { event } }));

  /** Starts a call that hangs, and aborts it once its handler runs. */
  async function abortHangingCall(name: string): Promise<void> {
    const abort = new AbortController();
    const call = peer.callTool({ name: 'hang', arguments: { name } }, { signal: abort.signal });
    const refused = expect(call).rejects.toThrow();
    await waitFor(`${name}:hanging`);
    abort.abort(new Error('changed my mind'));
    await refused;
  }

  const cancels = era === 'modern' || transport === 'stdio';

  if (cancels)
    it("aborts the handler's signal when the client aborts the call", async () => {
      await abortHangingCall(title);
      expect(await waitFor(`${title}:ended`)).toBe('aborted');
    });

  if (cancels)
    it('serves the same client on after a cancelled call', async () => {
      await abortHangingCall(`${title} once more`);
      expect(textOf(await peer.callTool({ name: 'add', arguments: { a: 1, b: 2 } }))).toBe('3');
    });

  // A stateless server cannot tell whose request a cancellation on a connection of its own means: ids are not unique.
  if (!cancels)
    it('leaves the handler running, whatever the client then says or drops', async () => {
      await abortHangingCall(title);
      await peer.callTool({ name: 'reach', arguments: { event: `${title}:release` } });
      expect(await waitFor(`${title}:ended`)).toBe('released');
    });
});
