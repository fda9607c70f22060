import type { Random } from '../kernel/random.ts';
import {
  encodeHeaderValue,
  findHeaderParams,
  headerParamFields,
  type JsonSchema,
  MetaKey,
  NAME_SOURCE,
} from '../wire/wire.ts';
import { exampleOf } from './example-values.ts';
import { PostTemplate } from './http-request.ts';
import type { WireRequest } from './load-connection.ts';
import type { PreparedRequest } from './load-plan.ts';
import { createChooser, MIX_METHODS, type MixPart } from './mix.ts';

/** A tool as its server lists it. */
export interface ListedTool {
  readonly name: string;
  readonly inputSchema: JsonSchema;
  readonly annotations?: { readonly readOnlyHint?: boolean | undefined } | undefined;
}

/** What is known of the server that is loaded. */
export interface ServerFacts {
  readonly url: URL;
  /** The protocol revision that is spoken with it. */
  readonly protocol: string;
  readonly era: 'modern' | 'legacy';
  readonly tools: readonly ListedTool[];
}

export interface RequestOptions {
  readonly facts: ServerFacts;
  readonly mix: readonly MixPart[];
  /** Arguments by tool; for a tool that is not among them they are made from its schema. */
  readonly args: ReadonlyMap<string, readonly Record<string, unknown>[]>;
  /** Further header fields. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly client: { readonly name: string; readonly version: string };
  readonly random: Random;
  /** Different requests for each part of the mix. */
  readonly variants: number;
}

/** Fields of every request, as clients send them. */
const COMMON_FIELDS = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
  ['User-Agent', 'peregrine-bench'],
] as const;

/** The requests of a load, ready to be sent. */
export class McpRequests {
  readonly operations: readonly string[];
  readonly #options: RequestOptions;
  readonly #prepared: readonly (readonly PostTemplate[])[];
  readonly #choose: () => number;
  readonly #random: Random;
  readonly #shared: readonly (readonly PreparedRequest[])[];

  /** @throws {RangeError} when a part of the mix is neither a method that can be asked for alone nor a tool of the server. */
  constructor(options: RequestOptions) {
    this.#options = options;
    this.#random = options.random;
    this.operations = options.mix.map(({ name }) => name);
    this.#choose = createChooser(
      options.mix.map(({ weight }) => weight),
      options.random,
    );
    this.#prepared = options.mix.map((part) => this.#prepare(part.name));
    this.#shared = this.#prepared.map((templates, operation) =>
      templates.map(({ whole }) => ({ operation, wire: whole })),
    );
  }

  /** The next request. HOT: each request; guarded by `bench/load/check-against-wrk.ts`. */
  next(): PreparedRequest {
    const requests = this.#shared[this.#choose()] as readonly PreparedRequest[];
    return requests[Math.floor(this.#random() * requests.length)] as PreparedRequest;
  }

  /** The next request with a header line more. */
  nextWith(line: string): PreparedRequest {
    const operation = this.#choose();
    const templates = this.#prepared[operation] as readonly PostTemplate[];
    const template = templates[Math.floor(this.#random() * templates.length)] as PostTemplate;
    return { operation, wire: template.with(line) };
  }

  /** What is sent once over each connection of a server with sessions: the handshake. */
  handshake(): { readonly initialize: WireRequest; initialized(line: string): WireRequest } {
    const { facts, client } = this.#options;
    const params = { protocolVersion: facts.protocol, capabilities: {}, clientInfo: client };
    const initialized = this.#template([], { jsonrpc: '2.0', method: 'notifications/initialized' });
    return {
      initialize: this.#template([], { jsonrpc: '2.0', id: 0, method: 'initialize', params }).whole,
      initialized: (line) => initialized.with(line),
    };
  }

  #prepare(name: string): PostTemplate[] {
    const { facts, args, random, variants } = this.#options;
    const tool = facts.tools.find((one) => one.name === name);
    if (tool === undefined) {
      if (MIX_METHODS.includes(name)) return [this.#request(1, name, {}, [])];
      const known = facts.tools.map((one) => one.name).join(', ');
      throw new RangeError(`the server has no tool "${name}"; it has ${known === '' ? 'none' : known}`);
    }
    const given = args.get(name);
    const count = given?.length ?? (hasArguments(tool.inputSchema) ? variants : 1);
    const mapped = facts.era === 'modern' ? findHeaderParams(`tool ${name}`, tool.inputSchema) : undefined;
    return Array.from({ length: count }, (_, index) => {
      const made = given?.[index] ?? exampleOf(tool.inputSchema, random);
      const fields = mapped === undefined ? [] : headerParamFields(mapped, made);
      return this.#request(index + 1, 'tools/call', { name, arguments: made }, fields);
    });
  }

  #request(
    id: number,
    method: string,
    params: Record<string, unknown>,
    fields: readonly (readonly [string, string])[],
  ): PostTemplate {
    const { facts, client } = this.#options;
    if (facts.era === 'legacy') return this.#template(fields, { jsonrpc: '2.0', id, method, params });
    const _meta = {
      [MetaKey.protocolVersion]: facts.protocol,
      [MetaKey.clientInfo]: client,
      [MetaKey.clientCapabilities]: {},
    };
    const source = NAME_SOURCE.get(method);
    const named = source === undefined ? [] : [['Mcp-Name', encodeHeaderValue(String(params[source]))] as const];
    const own = [['Mcp-Method', method] as const, ...named, ...fields];
    return this.#template(own, { jsonrpc: '2.0', id, method, params: { ...params, _meta } });
  }

  #template(fields: readonly (readonly [string, string])[], body: object): PostTemplate {
    const { facts, headers } = this.#options;
    const { url, protocol } = facts;
    const all = [['Host', url.host] as const, ...COMMON_FIELDS, ['MCP-Protocol-Version', protocol] as const];
    return new PostTemplate(url.pathname + url.search, [...all, ...fields, ...headers], body);
  }
}

function hasArguments(schema: JsonSchema): boolean {
  return Object.keys((schema['properties'] as object | undefined) ?? {}).length > 0;
}
