import { describe, expect, it } from 'vitest';
import { MetaKey } from '../../../src/wire/wire.ts';
import { type Fields, modernFields, post, type Reply, readReply } from '../support/http.ts';
import { envelope } from '../support/messages.ts';
import { serverWith, text } from '../support/test-server.ts';

const server = serverWith(
  (each) => {
    const properties = { region: { type: 'string', 'x-mcp-header': 'Region' }, n: { type: 'number' } };
    each.registerTool('t', { inputSchema: { type: 'object', properties } }, () => text('fine'));
  },
  { limits: { maxBodyBytes: 1_024 } },
);

/** A message and what is wrong with its text. */
interface Draft {
  readonly fields: Record<string, string | null>;
  readonly meta: Record<string, unknown>;
  readonly params: Record<string, unknown>;
  readonly spoilt: readonly ('size' | 'parse' | 'shape')[];
}

/** One check: what it answers, and what puts a request in order for it. */
interface Step {
  readonly name: string;
  readonly status: number;
  readonly code: number;
  readonly repair: Partial<Draft>;
}

const SPOILERS = {
  size: (text: string) => text + ' '.repeat(2_000),
  parse: (text: string) => text.slice(0, -1),
  shape: (text: string) => text.replace('"2.0"', '"1.0"'),
};

/** A request in which every check would fail. */
const ALL_WRONG: Draft = {
  fields: { 'Content-Type': 'text/plain', 'MCP-Protocol-Version': 'v998', 'Mcp-Method': null, 'Mcp-Name': null },
  meta: { [MetaKey.protocolVersion]: 'v999' },
  params: { name: 'none', arguments: { region: 'eu', n: 'x' } },
  spoilt: ['shape', 'parse', 'size'],
};

const MODERN = '2026-07-28';
const SUPPORTED = {
  meta: { [MetaKey.protocolVersion]: MODERN, [MetaKey.clientCapabilities]: {} },
  fields: { 'MCP-Protocol-Version': MODERN },
};

/** In the order of the brief: 415, 413, parse, shape, envelope, disagreement, version, headers, mapped headers, params. */
const STEPS: readonly Step[] = [
  { name: '415', status: 415, code: -32000, repair: { fields: { 'Content-Type': 'application/json' } } },
  { name: '413', status: 413, code: -32000, repair: { spoilt: ['shape', 'parse'] } },
  { name: 'parse', status: 400, code: -32700, repair: { spoilt: ['shape'] } },
  { name: 'shape', status: 400, code: -32600, repair: { spoilt: [] } },
  { name: 'envelope', status: 400, code: -32602, repair: { meta: { [MetaKey.clientCapabilities]: {} } } },
  { name: 'disagreement', status: 400, code: -32020, repair: { fields: { 'MCP-Protocol-Version': 'v999' } } },
  { name: 'version', status: 400, code: -32022, repair: SUPPORTED },
  { name: 'Mcp-Method', status: 400, code: -32020, repair: { fields: { 'Mcp-Method': 'tools/call' } } },
  { name: 'Mcp-Name', status: 400, code: -32020, repair: { fields: { 'Mcp-Name': 't' }, params: { name: 't' } } },
  { name: 'Mcp-Param', status: 400, code: -32020, repair: { fields: { 'Mcp-Param-Region': 'eu' } } },
];

function repaired(steps: readonly Step[]): Draft {
  return steps.reduce<Draft>(
    (draft, { repair }) => ({
      fields: { ...draft.fields, ...repair.fields },
      meta: { ...draft.meta, ...repair.meta },
      params: { ...draft.params, ...repair.params },
      spoilt: repair.spoilt ?? draft.spoilt,
    }),
    ALL_WRONG,
  );
}

async function send({ fields, meta, params, spoilt }: Draft): Promise<Reply> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, _meta: meta } });
  return readReply(
    await post(
      server,
      spoilt.reduce((text, kind) => SPOILERS[kind](text), body),
      fields,
    ),
  );
}

describe('the order of checks', () => {
  it.each(STEPS.map((step, index) => [index, step.name, step] as const))(
    'step %i, %s, comes before all that follow',
    async (index, _name, { status, code }) => {
      const reply = await send(repaired(STEPS.slice(0, index)));
      expect({ status: reply.status, code: reply.error?.code }).toEqual({ status, code });
    },
  );

  it('ends with the arguments', async () => {
    const draft = repaired(STEPS);
    expect(await send(draft)).toMatchObject({ status: 200, result: { isError: true } });
    const whole = { ...draft, params: { ...draft.params, arguments: { region: 'eu' } } };
    expect(await send(whole)).toMatchObject({ status: 200, result: { content: [{ text: 'fine' }] } });
  });

  it('has header checks before the method is looked for', async () => {
    const fields: Fields = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': null };
    const body = { jsonrpc: '2.0', id: 1, method: 'none', params: { _meta: envelope() } };
    expect((await readReply(await post(server, body, fields))).error?.code).toBe(-32020);
    expect(await readReply(await post(server, body, modernFields('none', {})))).toMatchObject({
      status: 404,
      error: { code: -32601 },
    });
  });

  it('takes header 2026-07-28 with body v999 for a mismatch, both v999 for an unsupported version', async () => {
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/list',
      params: { _meta: envelope({ meta: { [MetaKey.protocolVersion]: 'v999' } }) },
    };
    const fields = modernFields('tools/list', {});
    expect((await readReply(await post(server, body, fields))).error?.code).toBe(-32020);
    expect((await readReply(await post(server, body, { ...fields, 'MCP-Protocol-Version': 'v999' }))).error?.code).toBe(
      -32022,
    );
  });
});
