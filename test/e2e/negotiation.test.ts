import { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTransport } from './peers.ts';
import { type SampleServer, startSample } from './sample-server.ts';

const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

let server: SampleServer;
let url: URL;
beforeAll(async () => {
  ({ server, url } = await startSample());
});
afterAll(() => server?.stop());

describe.each(['http', 'stdio'] as const)('version negotiation over %s', (transport) => {
  it.each([
    { mode: 'auto', version: '2026-07-28', era: 'modern' },
    { mode: { pin: '2026-07-28' }, version: '2026-07-28', era: 'modern' },
    { mode: 'legacy', version: '2025-11-25', era: 'legacy' },
  ] as const)('gives a client in mode $mode the revision $version', async ({ mode, version, era }) => {
    const client = new Client({ name: 'end-to-end', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(createTransport(transport, url));
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    expect(client.getProtocolEra()).toBe(era);
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    await client.close();
  });
});

describe('the initialize handshake over HTTP', () => {
  async function initialize(protocolVersion: string): Promise<unknown> {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
    });
    const body = await response.text();
    const message = JSON.parse(body.startsWith('{') ? body : (/^data: (.*)$/m.exec(body)?.[1] ?? 'null'));
    return message.result.protocolVersion;
  }

  it.each(LEGACY_VERSIONS)('agrees to %s', async (version) => {
    expect(await initialize(version)).toBe(version);
  });

  it('answers its newest revision to one that it does not know', async () => {
    expect(await initialize('1999-01-01')).toBe('2025-11-25');
  });
});
