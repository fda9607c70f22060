import type { Acceptor, Exchange, MessageConnection, MessageSink } from '../../transport/transport.ts';
import {
  APPS_EXTENSION,
  ErrorCode,
  isObject,
  JSON_BOUNDS,
  ModernResultWriter,
  ProtocolError,
} from '../../wire/wire.ts';
import { FrontDoor } from '../relay/front-door.ts';
import type { FrontRequest } from '../relay/front-request.ts';
import type { Description, RpcError } from '../relay/peer.ts';
import { Backend } from './backend.ts';
import { BackendLists, type ListName } from './backend-lists.ts';
import { type MergedEndpointOptions, type ResolvedMerge, resolveMergeOptions } from './merge-options.ts';
import { MergedLists } from './merged-lists.ts';

interface Server {
  readonly prefix: string;
  readonly name: string;
  readonly backend: Backend;
  readonly lists: BackendLists;
}

const LISTS: ReadonlyMap<string, ListName> = new Map([
  ['tools/list', 'tools'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
  ['prompts/list', 'prompts'],
] as const);
const CHANGED = { tools: 'tools', resources: 'resources', resourceTemplates: 'resources', prompts: 'prompts' } as const;

/** One MCP endpoint, of both eras, that offers what several servers offer, each under its prefix. */
export class MergedEndpoint implements Acceptor {
  readonly #options: ResolvedMerge;
  readonly #servers: readonly Server[];
  readonly #lists: MergedLists<Server>;
  readonly #door: FrontDoor;
  readonly #writer: ModernResultWriter;
  #first: Promise<void> | undefined;
  #isReady = false;
  #closed = false;

  /** @throws {OptionError} */
  constructor(options: MergedEndpointOptions) {
    const resolved = resolveMergeOptions(options);
    const { name, version, title } = resolved;
    this.#options = resolved;
    this.#writer = new ModernResultWriter({ name, version, ...(title === undefined ? {} : { title }) });
    this.#servers = resolved.servers.map(({ prefix, target }) => this.#server(prefix, target));
    this.#lists = new MergedLists(this.#servers, resolved.separator, resolved.pageSize, resolved.logger);
    this.#door = new FrontDoor({
      jsonBounds: JSON_BOUNDS,
      maxSubscriptions: resolved.maxSubscriptions,
      handler: {
        ready: () => this.#ready(),
        describe: () => this.#describe(),
        headerMismatch: (params, headers) => this.#lists.headerMismatch(params, headers),
        request: (front) => this.#request(front),
      },
    });
  }

  post(exchange: Exchange, body: string): void {
    this.#door.post(exchange, body);
  }

  other(exchange: Exchange): void {
    this.#door.other(exchange);
  }

  connect(sink: MessageSink): MessageConnection {
    return this.#door.connect(sink);
  }

  /** Connects to the servers; resolves when each has answered or failed. Not needed: the first request does it too. */
  async open(): Promise<void> {
    await Promise.all(this.#servers.map(({ lists }) => lists.ensure()));
  }

  /** Ends the streams with their result; everything else goes on. */
  drain(): void {
    this.#door.close();
  }

  /** Ends the streams and the sessions, and closes the targets. */
  async close(deadlineMs?: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#door.close();
    for (const { lists } of this.#servers) lists.close();
    await Promise.all(this.#servers.map(({ backend }) => backend.close()));
    await Promise.all(this.#options.servers.map(({ target }) => target.close(deadlineMs)));
  }

  #server(prefix: string, target: ResolvedMerge['servers'][number]['target']): Server {
    const { name, version, clock, random, logger, timeoutMs, maxMessageBytes, separator } = this.#options;
    const backend = new Backend({
      prefix,
      target,
      identity: { name, version },
      clock,
      random,
      logger,
      timeoutMs,
      maxMessageBytes,
      headerParams: (tool) => this.#lists.tool(`${prefix}${separator}${tool}`)?.headerParams,
      changed: () => lists.outdate(),
    });
    const options = this.#options.lists;
    const lists = new BackendLists({ backend, options, clock, random, logger, changed: () => this.#rebuild() });
    return { prefix, name: target.name, backend, lists };
  }

  #rebuild(): void {
    for (const kind of new Set(this.#lists.rebuild().map((name) => CHANGED[name]))) this.#door.changed(kind);
  }

  /** The first lists of all servers, as far as they come in time; waited for once. */
  #ready(): Promise<void> | undefined {
    if (this.#isReady) return undefined;
    this.#first ??= this.#inTime(this.#servers.flatMap(({ lists }) => lists.ensure() ?? [])).then(() => {
      this.#isReady = true;
    });
    return this.#first;
  }

  /** Waits, but not for long: what a server does not say in time is told without it. */
  #inTime(waits: readonly Promise<void>[]): Promise<void> {
    const { clock, lists } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.after(lists.waitMs, resolve);
      void Promise.all(waits).then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #describe(): Promise<Description> {
    const { name, version, title } = this.#options;
    return {
      serverInfo: { name, version, ...(title === undefined ? {} : { title }) },
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
        extensions: { [APPS_EXTENSION]: {} },
      },
      instructions: this.#options.instructions ?? this.#instructions(),
      writer: this.#writer,
    };
  }

  #instructions(): string | undefined {
    const { separator } = this.#options;
    const all = this.#servers.flatMap(({ prefix, backend }) => {
      const { instructions } = backend.description ?? {};
      return instructions === undefined ? [] : [`${prefix}${separator}*: ${instructions}`];
    });
    return all.length === 0 ? undefined : all.join('\n\n');
  }

  async #request(front: FrontRequest): Promise<void> {
    const waits = this.#ready();
    if (waits !== undefined) await waits;
    const list = LISTS.get(front.method);
    if (list !== undefined) await this.#list(front, list);
    else if (front.method === 'tools/call') this.#named(front, 'tool', true);
    else if (front.method === 'prompts/get') this.#named(front, 'prompt', false);
    else if (front.method === 'resources/read') this.#read(front);
    else if (front.method === 'completion/complete') this.#complete(front);
    else throw new ProtocolError(ErrorCode.MethodNotFound, 'Method not found');
  }

  async #list(front: FrontRequest, name: ListName): Promise<void> {
    const waits = this.#servers.flatMap(({ lists }) => lists.ensure() ?? []);
    if (waits.length > 0) await this.#inTime(waits);
    const page = this.#lists.page(name, front.params['cursor'], front.era);
    front.succeed(front.era === 'modern' ? this.#writer.complete(page) : JSON.stringify(page));
  }

  #named(front: FrontRequest, what: string, isTool: boolean): void {
    const found = this.#lists.byName(front.params['name']);
    if (found === undefined) throw new ProtocolError(ErrorCode.InvalidParams, `Unknown ${what}`);
    const params = { ...front.params, name: found.name };
    const wraps = isTool && this.#lists.tool(front.params['name'])?.wraps === true;
    this.#relay(front, found.source, { params, wraps });
  }

  /** Asks whoever may know the resource, one after the other; the last one's error is the answer. */
  #read(front: FrontRequest): void {
    const { uri } = front.params;
    if (typeof uri !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'uri must be a string');
    const candidates = uri.length > MAX_URI_LENGTH ? [] : this.#lists.byUri(uri);
    const tryNext = (index: number): void => {
      const server = candidates[index];
      if (server === undefined) front.fail(notFound(front, uri));
      else
        this.#relay(front, server, {
          params: front.params,
          error: (): boolean => {
            if (index + 1 >= candidates.length) return false;
            tryNext(index + 1);
            return true;
          },
        });
    };
    tryNext(0);
  }

  #complete(front: FrontRequest): void {
    const { ref } = front.params;
    if (!isObject(ref)) throw new ProtocolError(ErrorCode.InvalidParams, 'ref must be an object');
    if (ref['type'] === 'ref/prompt') {
      const found = this.#lists.byName(ref['name']);
      if (found === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'Unknown prompt');
      this.#relay(front, found.source, { params: { ...front.params, ref: { ...ref, name: found.name } } });
      return;
    }
    const source = this.#lists.byTemplate(ref['uri']) ?? this.#lists.byUri(String(ref['uri']))[0];
    if (source === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'Unknown resource template');
    this.#relay(front, source, { params: front.params });
  }

  #relay(
    front: FrontRequest,
    { backend, lists }: Server,
    how: { params: Record<string, unknown>; wraps?: boolean; error?: (error: RpcError) => boolean },
  ): void {
    backend.relay(front, {
      ...how,
      writer: this.#writer,
      failed: (failure) => {
        if (failure.reason === 'unavailable') lists.outdate(); // Looks whether it is still there.
        front.unanswered(failure);
      },
    });
  }
}

const MAX_URI_LENGTH = 4_096;

function notFound({ era }: FrontRequest, uri: string): RpcError {
  return { code: era === 'modern' ? ErrorCode.InvalidParams : -32002, message: 'Resource not found', data: { uri } };
}
