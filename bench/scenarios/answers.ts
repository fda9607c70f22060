import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { type BenchTool, toolsOf } from '../servers/tools.ts';
import { SERVER_INFO, type Toolset } from '../servers/toolsets.ts';
import type { Scenario, ScenarioRequest } from './scenarios.ts';

type Json = Record<string, unknown>;

const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo';

const known = new Map<Toolset, ReadonlyMap<string, BenchTool>>();

function toolsByName(toolset: Toolset): ReadonlyMap<string, BenchTool> {
  const tools = known.get(toolset) ?? new Map(toolsOf(toolset).map((tool) => [tool.name, tool]));
  known.set(toolset, tools);
  return tools;
}

/** What a list says of a tool. */
function listedTool({ name, config }: BenchTool): Json {
  const { title, description, annotations, inputSchema } = config;
  return { name, title, description, inputSchema: z.toJSONSchema(inputSchema, { io: 'input' }), annotations };
}

/** The whole answer that a right server gives; `description` is optional in serverInfo. */
export async function expectedAnswer(toolset: Toolset, scenario: Scenario, request: ScenarioRequest): Promise<Json> {
  const tools = toolsByName(toolset);
  const modern = { resultType: 'complete', _meta: { [SERVER_INFO_KEY]: SERVER_INFO } };
  let result: Json;
  if (scenario === 'list-modern') {
    result = { tools: [...tools.values()].map(listedTool), ttlMs: 0, cacheScope: 'private', ...modern };
  } else {
    const tool = tools.get(request.tool ?? '');
    if (tool === undefined) throw new RangeError(`no tool ${request.tool} in toolset ${toolset}`);
    result = { ...(await tool.handler(request.args ?? {})), ...(scenario === 'call-legacy' ? {} : modern) };
  }
  return { jsonrpc: '2.0', id: request.id, result };
}

/** The JSON of an answer, whether it came as JSON or as the only message of an event stream. */
export function parseAnswer(body: string): unknown {
  if (!/^(event|data|id|:)/.test(body)) return JSON.parse(body);
  const data = body.split('\n').filter((line) => line.startsWith('data: ') && line.length > 6);
  if (data.length !== 1) throw new SyntaxError(`event stream with ${data.length} messages instead of one`);
  return JSON.parse((data[0] as string).slice(6));
}

/** Where two JSON values differ first, in words; undefined when they are equal. Order of keys does not count. */
export function firstDifference(actual: unknown, expected: unknown, path = '$'): string | undefined {
  if (isDeepStrictEqual(actual, expected)) return undefined;
  const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
  if (!isObject(actual) || !isObject(expected) || Array.isArray(actual) !== Array.isArray(expected)) {
    return `${path}: got ${shorten(actual)}, expected ${shorten(expected)}`;
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const difference = firstDifference(actual[key], expected[key], `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** Removes what may rightly differ from server to server. */
function normalised(answer: unknown): unknown {
  const copy = structuredClone(answer) as { result?: { _meta?: Record<string, Json> } };
  const info = copy.result?._meta?.[SERVER_INFO_KEY];
  if (info !== undefined) delete info.description;
  return copy;
}

/** @returns What is wrong with the answer, or undefined. */
export function differenceFrom(body: string, expected: Json): string | undefined {
  let answer: unknown;
  try {
    answer = parseAnswer(body);
  } catch (error) {
    return `${(error as Error).message}: ${shorten(body)}`;
  }
  return firstDifference(normalised(answer), normalised(expected));
}
