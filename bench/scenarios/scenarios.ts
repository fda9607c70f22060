import { type PreparedRequest, preparePost } from '../load/request-source.ts';
import { calledTool, type Toolset } from '../servers/toolsets.ts';
import { argumentsOf } from './arguments.ts';

/** `call-long`: a call whose answer is as long as the toolset's tools/list. */
export type Scenario = 'call-modern' | 'call-legacy' | 'list-modern' | 'call-long';
export const SCENARIOS: readonly Scenario[] = ['call-modern', 'call-legacy', 'list-modern', 'call-long'];

export const SCENARIO_TITLES: Readonly<Record<Scenario, string>> = {
  'call-modern': 'tools/call, 2026-07-28',
  'call-legacy': 'tools/call, 2025-11-25',
  'list-modern': 'tools/list, 2026-07-28',
  'call-long': 'tools/call as long as the list',
};

/** One request before it is turned into bytes. */
export interface ScenarioRequest {
  readonly id: number;
  readonly tool: string | undefined;
  readonly args: Record<string, unknown> | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'bench-client', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A prime, so that neither connections nor answers fall into step with it. */
export const CALL_VARIANTS = 509;
export const LIST_VARIANTS = 61;

/** The official client's own headers, in its order (fetch of Node.js). */
const CLIENT_HEADERS = [
  ['content-type', 'application/json'],
  ['accept', 'application/json, text/event-stream'],
  ['accept-language', '*'],
  ['sec-fetch-mode', 'cors'],
  ['user-agent', 'node'],
  ['accept-encoding', 'gzip, deflate'],
] as const;

export function variantsOf(scenario: Scenario): number {
  return scenario === 'list-modern' || scenario === 'call-long' ? LIST_VARIANTS : CALL_VARIANTS;
}

/** Ids of one to five digits. */
function idOf(index: number): number {
  return (index * 37) % 20_011;
}

function modern(index: number, method: string, tool: string | undefined, params: object): ScenarioRequest {
  const id = idOf(index);
  const args = (params as { arguments?: Record<string, unknown> }).arguments;
  return {
    id,
    tool,
    args,
    headers: [
      ['connection', 'keep-alive'],
      ['mcp-protocol-version', MODERN],
      ['mcp-method', method],
      ...(tool === undefined ? [] : [['mcp-name', tool] as const]),
      ...CLIENT_HEADERS,
    ],
    body: JSON.stringify({ method, params: { ...params, _meta: ENVELOPE }, jsonrpc: '2.0', id }),
  };
}

function legacyCall(index: number, tool: string, args: Record<string, unknown>): ScenarioRequest {
  const id = idOf(index);
  return {
    id,
    tool,
    args,
    headers: [['connection', 'keep-alive'], ['mcp-protocol-version', LEGACY], ...CLIENT_HEADERS],
    body: JSON.stringify({ method: 'tools/call', params: { name: tool, arguments: args }, jsonrpc: '2.0', id }),
  };
}

/** A call of the tool that answers with `bytes` bytes of text. */
export function longCall(index: number, bytes: number): ScenarioRequest {
  const args = { bytes, seed: idOf(index) };
  return modern(index, 'tools/call', 'long_answer', { name: 'long_answer', arguments: args });
}

/** Request number `index` of a scenario, as the official client would write it. */
export function requestOf(toolset: Toolset, scenario: Scenario, index: number, longBytes = 1_000): ScenarioRequest {
  if (scenario === 'list-modern') return modern(index, 'tools/list', undefined, {});
  if (scenario === 'call-long') return longCall(index, longBytes);
  const tool = calledTool(toolset);
  const args = argumentsOf(toolset, index);
  if (scenario === 'call-legacy') return legacyCall(index, tool, args);
  return modern(index, 'tools/call', tool, { name: tool, arguments: args });
}

export function toPrepared(request: ScenarioRequest, port: number): PreparedRequest {
  const { headers, body } = request;
  return preparePost({ host: `127.0.0.1:${port}`, path: '/mcp', headers, body });
}
