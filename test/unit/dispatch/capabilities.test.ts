import { describe, expect, it } from 'vitest';
import { inputRequired } from '../../../src/registry/registry.ts';
import type { InputRequest } from '../../../src/wire/wire.ts';
import { callTool, modern } from '../support/http.ts';
import { Peer } from '../support/peer.ts';
import { serverWith } from '../support/test-server.ts';

const form = inputRequired.elicit({ message: 'm', requestedSchema: { type: 'object', properties: {} } });
const oldForm: InputRequest = { method: 'elicitation/create', params: { message: 'm', requestedSchema: {} } };
const url = inputRequired.elicitUrl({ message: 'm', url: 'https://a.example' });
const sampling = inputRequired.createMessage({ maxTokens: 1 });
const withTools = inputRequired.createMessage({ maxTokens: 1, tools: [] });
const roots = inputRequired.listRoots();

type Case = readonly [
  what: string,
  requests: readonly InputRequest[],
  declared: Record<string, unknown>,
  missing: object | undefined,
];

const CASES: readonly Case[] = [
  ['a form, to nobody', [form], {}, { elicitation: { form: {} } }],
  ['a form, to elicitation without modes', [form], { elicitation: {} }, undefined],
  ['a form, to forms', [form], { elicitation: { form: {} } }, undefined],
  ['a form, to pages alone', [form], { elicitation: { url: {} } }, { elicitation: { form: {} } }],
  ['a form, to both', [form], { elicitation: { form: {}, url: {} } }, undefined],
  ['a form without a mode, to nobody', [oldForm], {}, { elicitation: { form: {} } }],
  ['a page, to elicitation without modes', [url], { elicitation: {} }, { elicitation: { url: {} } }],
  ['a page, to forms alone', [url], { elicitation: { form: {} } }, { elicitation: { url: {} } }],
  ['a page, to pages', [url], { elicitation: { url: {} } }, undefined],
  ['a form and a page, to nobody', [form, url], {}, { elicitation: { form: {}, url: {} } }],
  ['a page and a form, to forms', [url, form], { elicitation: {} }, { elicitation: { url: {} } }],
  ['a message, to nobody', [sampling], { elicitation: {} }, { sampling: {} }],
  ['a message, to sampling', [sampling], { sampling: {} }, undefined],
  ['a message with tools, to sampling alone', [withTools], { sampling: {} }, { sampling: { tools: {} } }],
  ['a message with tools, to sampling with tools', [withTools], { sampling: { tools: {} } }, undefined],
  ['messages with tools and without, to nobody', [withTools, sampling], {}, { sampling: { tools: {} } }],
  ['messages without tools and with, to nobody', [sampling, withTools], {}, { sampling: { tools: {} } }],
  ['roots, to nobody', [roots], { sampling: {} }, { roots: {} }],
  ['roots, to roots', [roots], { roots: { listChanged: true } }, undefined],
  ['all, to nobody', [form, sampling, roots], {}, { elicitation: { form: {} }, sampling: {}, roots: {} }],
  ['all, to some', [form, sampling, roots], { sampling: {} }, { elicitation: { form: {} }, roots: {} }],
  ['a message, to a capability that is no object', [sampling], { sampling: true }, { sampling: {} }],
];

describe('what a handler asks of the client', () => {
  it.each(CASES)(
    'needs to be declared in this very request (-32021): %s',
    async (_what, requests, capabilities, missing) => {
      const ask = () =>
        inputRequired({ inputRequests: Object.fromEntries(requests.map((request, index) => [`k${index}`, request])) });
      const server = serverWith((each) => {
        each.registerTool('t', {}, ask);
        each.registerPrompt('p', {}, async () => ask());
        each.registerResource('r', 'x://r', {}, ask);
      });
      const peer = await Peer.to(server);
      const http = [
        await callTool(server, 't', undefined, { capabilities }),
        await modern(server, 'prompts/get', { name: 'p' }, { capabilities }),
        await modern(server, 'resources/read', { uri: 'x://r' }, { capabilities }),
      ];
      const replies = [...http, await peer.modern('tools/call', { name: 't' }, { capabilities })];
      for (const reply of replies) {
        if (missing === undefined) expect(reply.result).toMatchObject({ resultType: 'input_required' });
        else expect(reply.error).toMatchObject({ code: -32021, data: { requiredCapabilities: missing } });
      }
      for (const { status } of http) expect(status).toBe(missing === undefined ? 200 : 400);
      for (const { error } of replies) {
        if (missing !== undefined) expect(error?.data).toEqual({ requiredCapabilities: missing });
      }
    },
  );

  it('is judged by this request alone, not by one before on the connection', async () => {
    const server = serverWith((each) =>
      each.registerTool('t', {}, () => inputRequired({ inputRequests: { k: roots } })),
    );
    const peer = await Peer.legacy(server);
    expect((await peer.modern('tools/call', { name: 't' }, { capabilities: { roots: {} } })).result).toBeDefined();
    expect((await peer.modern('tools/call', { name: 't' })).error?.code).toBe(-32021);
  });
});
