import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { completable } from '../../../src/registry/registry.ts';
import { callTool, modern } from '../support/http.ts';
import { codeOf, namesOf, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { serverWith, text } from '../support/test-server.ts';

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'then',
  '=?base64?YQ==?=',
  'Ünï',
  ' a ',
];

function message(value: string) {
  return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: value } }] };
}

describe.each(NAMES)('the name %j', (name) => {
  it('is no tool, no prompt and no resource until it is registered', async () => {
    const server = serverWith((each) => {
      each.registerTool('t', {}, () => text(''));
      each.registerPrompt('p', {}, () => message(''));
      each.registerResource('r', 'x://r', {}, () => ({ contents: [] }));
    });
    expect(codeOf(await callTool(server, name))).toBe(-32602);
    expect(codeOf(await modern(server, 'prompts/get', { name }))).toBe(-32602);
    expect(codeOf(await modern(server, 'resources/read', { uri: name }))).toBe(-32602);
    const peer = await Peer.legacy(server);
    expect(codeOf(await peer.legacy('tools/call', { name }))).toBe(-32602);
    expect(codeOf(await peer.legacy(name))).toBe(-32601);
    expect(codeOf(await peer.modern(name))).toBe(-32601);
  });

  it('is a tool, a prompt and a resource like any other', async () => {
    const uri = `x://${encodeURIComponent(name)}`;
    const server = serverWith((each) => {
      each.registerTool(name, {}, () => text('tool'));
      each.registerPrompt(name, {}, () => message('prompt'));
      each.registerResource(name, uri, {}, () => ({ contents: [{ uri, text: 'resource' }] }));
    });
    expect(namesOf(await modern(server, 'tools/list'), 'tools')).toEqual([name]);
    expect(namesOf(await modern(server, 'prompts/list'), 'prompts')).toEqual([name]);
    expect(namesOf(await modern(server, 'resources/list'), 'resources')).toEqual([name]);
    expect(textOf(await callTool(server, name))).toBe('tool');
    expect((await modern(server, 'prompts/get', { name })).result).toMatchObject(message('prompt'));
    expect((await modern(server, 'resources/read', { uri })).result).toMatchObject({
      contents: [{ text: 'resource' }],
    });
  });

  it('is an argument like any other, of tools and prompts', async () => {
    const seen: unknown[] = [];
    const server = serverWith((each) => {
      const shape = Object.fromEntries([[name, z.string()]]);
      const json = { type: 'object', properties: Object.fromEntries([[name, { type: 'string' }]]), required: [name] };
      each.registerTool('shape', { inputSchema: shape }, (args) => text(JSON.stringify(Object.entries(args))));
      each.registerTool('json', { inputSchema: json }, (args) => text(JSON.stringify(Object.entries(args))));
      each.registerPrompt('p', { argsSchema: shape }, (args) => {
        seen.push(Object.entries(args));
        return message('');
      });
    });
    const args = Object.fromEntries([[name, 'own']]);
    for (const tool of ['shape', 'json']) {
      expect(textOf(await callTool(server, tool, args))).toBe(JSON.stringify([[name, 'own']]));
      expect((await callTool(server, tool, {})).result).toMatchObject({ isError: true });
    }
    await modern(server, 'prompts/get', { name: 'p', arguments: args });
    expect(seen).toEqual([[[name, 'own']]]);
    expect(namesOf({ jsonrpc: '2.0', result: (await modern(server, 'prompts/list')).result ?? {} }, 'prompts')).toEqual(
      ['p'],
    );
  });

  it('completes as an argument only where it was given a completion', async () => {
    const server = serverWith((each) => {
      each.registerPrompt('plain', { argsSchema: { other: z.string() } }, () => message(''));
      const argsSchema = Object.fromEntries([[name, completable(z.string(), () => ['found'])]]);
      each.registerPrompt('own', { argsSchema }, () => message(''));
    });
    const values = async (prompt: string): Promise<unknown> => {
      const ref = { type: 'ref/prompt', name: prompt };
      return (await modern(server, 'completion/complete', { ref, argument: { name, value: '' } })).result?.completion;
    };
    expect(await values('plain')).toMatchObject({ values: [] });
    expect(await values('own')).toMatchObject({ values: ['found'] });
  });

  it('can be in params and in _meta without reaching any prototype', async () => {
    const server = serverWith((each) => each.registerTool('t', {}, ({ mcpReq }) => text(JSON.stringify(mcpReq._meta))));
    const meta = Object.fromEntries([[name, { polluted: 1 }]]);
    const reply = await callTool(server, 't', undefined, { meta });
    expect(textOf(reply)).toBe(JSON.stringify(meta));
    expect(({} as Record<string, unknown>).polluted).toBe(undefined);
  });
});
