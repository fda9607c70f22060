import type {
  CacheRule,
  RegisteredResource,
  RegisteredResourceTemplate,
  Registry,
  Variables,
} from '../registry/registry.ts';
import type { RequestOutcome } from '../signal/signal.ts';
import { type CacheHint, ErrorCode, ProtocolError, toPlainResult } from '../wire/wire.ts';
import { CachedEntries, type Made, resourceTag, splitTtl, withTtl } from './answer-cache.ts';
import type { Answer, Call, MethodHandler, Params } from './call.ts';
import type { FlightCall } from './flight-call.ts';
import { InternalFault, resultObject } from './result-writer.ts';
import { type DispatchParts, isLaterRound } from './tools.ts';

/** Bounds and hints of `resources/read`. */
export interface ReadOptions {
  /** Longest URI, in characters. */
  readonly maxUriLength: number;
  readonly hint: Required<CacheHint>;
}

/** The code of a missing resource in the legacy revisions. */
const LEGACY_RESOURCE_NOT_FOUND = -32002;

const NOT_REUSABLE = Object.freeze({ ttlMs: 0, cacheScope: 'private' });

/** Serves `resources/read`. */
export function createResourceReader(parts: DispatchParts, options: ReadOptions): MethodHandler {
  const { registry, rounds, writer, answers } = parts;
  const entries = new CachedEntries('resource');

  return async (params, call) => {
    const uri = params?.['uri'];
    if (typeof uri !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'uri must be a string');
    if (uri.length > options.maxUriLength)
      throw new ProtocolError(ErrorCode.InvalidParams, `uri exceeds ${options.maxUriLength} characters`);
    const found = findResource(registry, uri);
    if (found === undefined || !URL.canParse(uri)) throw notFound(uri, call);
    call.target = found.entry.name;
    rounds.open(params as Record<string, unknown>, call);
    const { cache } = found.entry.compiled;
    if (cache !== undefined && !isLaterRound(params)) return readKept(found, cache, uri, params, call);
    return readFor({ found, uri }, params, call);
  };

  /** Reads for one client alone, which may be asked for more. */
  async function readFor(
    { found, uri, asked }: { readonly found: Found; readonly uri: string; readonly asked?: Record<string, unknown> },
    params: Params,
    call: Call,
  ): Promise<Answer> {
    const result = await rounds.asked(() => read(found, uri, call), call, asked);
    if (result['resultType'] === 'input_required') return rounds.answer(result, params, call);
    return write(result, found.entry, call);
  }

  /** Reads through the cache; the answer says how long clients may use it, by what of that is left. */
  async function readKept(found: Found, rule: CacheRule, uri: string, params: Params, call: Call): Promise<Answer> {
    const entry = entries.of(found.entry, found.entry.compiled.definition, rule);
    const key = answers.keyOf(entry, call, uri);
    const tags = key === undefined ? undefined : answers.tagsOf(entry, call, new URL(uri));
    const place = key === undefined || tags === undefined ? undefined : { key, tags: [...tags, resourceTag(uri)] };
    let asked: Record<string, unknown> | undefined;
    const make = async (shared: FlightCall): Promise<Made> => {
      const result = await read(found, uri, shared);
      if (result['resultType'] === 'input_required') {
        if (shared.era === 'legacy') asked = result;
        const text = asked === undefined ? rounds.answer(result, params, shared) : '';
        return { text, isKept: false, isShared: false, note: 'input_required' };
      }
      const { rest, ttlMs } = splitTtl(toPlainResult(result));
      const own = rest['cacheScope'];
      const cacheScope = own === 'public' || own === 'private' ? own : rule.isPublic ? 'public' : 'private';
      const isForAll = !rule.isPublic || cacheScope === 'public';
      const text = writer.complete(call.era === 'modern' ? { ...rest, cacheScope } : rest, call);
      const isKept = isForAll && found.entry.revision === entry.revision;
      return { text, isKept, isShared: isForAll, ttlMs };
    };
    const served = await answers.read(entry, place, call, make);
    if (asked !== undefined) return readFor({ found, uri, asked }, params, call);
    if (served.note !== undefined) call.outcome = served.note as RequestOutcome;
    return served.note === undefined ? withTtl(served, call.era) : served.text;
  }

  function write(result: Record<string, unknown>, entry: Entry, call: Call): Answer {
    // What is kept says so itself, and what was made of a client's responses is not its answer to the next request.
    if (entry.compiled.cache !== undefined) return writer.cacheable(result, NOT_REUSABLE, call);
    const { ttlMs, cacheScope } = entry.cacheHint ?? {};
    return writer.cacheable(
      result,
      { ttlMs: ttlMs ?? options.hint.ttlMs, cacheScope: cacheScope ?? options.hint.cacheScope },
      call,
    );
  }
}

/** @throws {ProtocolError} when there is nothing under this URI. */
async function read(found: Found, uri: string, call: Call): Promise<Record<string, unknown>> {
  const { name } = found.entry;
  const result = resultObject(`resource "${name}"`, await found.read(new URL(uri), call));
  const { contents, resultType } = result;
  if (resultType === 'input_required') return result;
  if (!Array.isArray(contents)) throw new InternalFault(new TypeError(`resource "${name}" must return contents`));
  if (contents.length === 0) throw notFound(uri, call);
  return result;
}

/** What is registered for a URI. */
export function findResource(registry: Registry, uri: string): Found | undefined {
  const resource = registry.resources.get(uri);
  if (resource?.enabled) return { entry: resource, read: (url, call) => resource.readCallback(url, call) };
  for (const template of registry.templates.values()) {
    const variables = template.enabled ? template.target.uriTemplate.match(uri) : null;
    if (variables !== null)
      return { entry: template, read: (url, call) => template.readCallback(url, variables as Variables, call) };
  }
  return undefined;
}

type Entry = RegisteredResource | RegisteredResourceTemplate;

interface Found {
  readonly entry: Entry;
  readonly read: (uri: URL, call: Call) => unknown;
}

function notFound(uri: string, call: Call): ProtocolError {
  const code = call.era === 'legacy' ? LEGACY_RESOURCE_NOT_FOUND : ErrorCode.InvalidParams;
  return new ProtocolError(code, 'Resource not found', { uri });
}
