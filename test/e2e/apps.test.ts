import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { OptimizedMCPServer, ResourceTemplate } from '../../src/index.ts';
import { readDocument, runSample } from '../unit/support/samples.ts';
import { type Peer, ROUTES } from './peers.ts';

const VIEW = 'text/html;profile=mcp-app';
const UI = {
  csp: { connectDomains: ['https://tiles.example.com'] },
  permissions: { geolocation: {} },
  prefersBorder: true,
};
const { samples } = readDocument('docs/guides/apps.md');

let server: OptimizedMCPServer;
let url: URL;
beforeAll(async () => {
  const Weather = (await runSample(samples[0], { OptimizedMCPServer, z }, 'Weather')) as {
    new (config: object): OptimizedMCPServer;
  };
  class Views extends Weather {
    protected override setup(): void {
      super.setup();
      const old = {
        'ui/resourceUri': 'ui://weather/forecast',
        ui: { visibility: ['app'] },
        'example.com/own': [1, null],
      };
      this.registerTool('refresh', { _meta: old }, async () => ({ content: [] }));
      const template = new ResourceTemplate('ui://weather/city/{city}', { list: undefined });
      this.registerResource('city-view', template, { mimeType: VIEW, _meta: { ui: UI } }, async (uri, { city }) => ({
        contents: [{ uri: uri.href, mimeType: VIEW, blob: btoa(String(city)), _meta: { ui: UI } }],
      }));
    }
  }
  server = new Views({
    name: 'views',
    version: '1.0.0',
    description: 'Views',
    http: { port: 0 },
    handleSignals: false,
  });
  url = new URL((await server.start()).url as string);
});
afterAll(() => server?.stop());

describe.each(ROUTES.filter(({ transport }) => transport === 'http'))(
  'a server with views, seen by $title',
  ({ connect }) => {
    let peer: Peer;
    beforeAll(async () => {
      peer = await connect(url);
    });
    afterAll(() => peer?.close());

    it('says that it has the extension', () => {
      expect(peer.client.getServerCapabilities()).toMatchObject({ extensions: { 'io.modelcontextprotocol/ui': {} } });
    });

    it('has tools that name their views, in the present form and in the first one', async () => {
      const { tools } = await peer.client.listTools();
      expect(tools.map(({ _meta }) => _meta)).toEqual([
        { ui: { resourceUri: 'ui://weather/forecast', visibility: ['model', 'app'] } },
        { 'ui/resourceUri': 'ui://weather/forecast', ui: { visibility: ['app'] }, 'example.com/own': [1, null] },
      ]);
    });

    it('lists the views', async () => {
      const { resources } = await peer.client.listResources();
      expect(resources).toMatchObject([{ uri: 'ui://weather/forecast', mimeType: VIEW, _meta: { ui: UI } }]);
      const { resourceTemplates } = await peer.client.listResourceTemplates();
      expect(resourceTemplates).toMatchObject([
        { uriTemplate: 'ui://weather/city/{city}', mimeType: VIEW, _meta: { ui: UI } },
      ]);
    });

    it('gives their pages with what the host must know of them', async () => {
      const [page] = (await peer.client.readResource({ uri: 'ui://weather/forecast' })).contents;
      expect(page).toEqual({
        uri: 'ui://weather/forecast',
        mimeType: VIEW,
        text: '<!doctype html><title>Forecast</title>',
        _meta: { ui: UI },
      });
      const [city] = (await peer.client.readResource({ uri: 'ui://weather/city/bergen' })).contents;
      expect(city).toEqual({
        uri: 'ui://weather/city/bergen',
        mimeType: VIEW,
        blob: btoa('bergen'),
        _meta: { ui: UI },
      });
    });

    it('gives results with what is meant for the view', async () => {
      expect(await peer.callTool({ name: 'forecast', arguments: { city: 'Bergen' } })).toMatchObject({
        content: [{ type: 'text', text: 'Bergen: 21 °C' }],
        structuredContent: { city: 'Bergen', celsius: 21 },
        _meta: { source: 'station 7' },
      });
    });
  },
);
