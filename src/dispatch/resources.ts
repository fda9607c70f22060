import type { RegisteredResource, RegisteredResourceTemplate, Variables } from '../registry/registry.ts';
import { type CacheHint, ErrorCode, ProtocolError } from '../wire/wire.ts';
import type { Answer, Call, MethodHandler } from './call.ts';
import { InternalFault, resultObject } from './result-writer.ts';
import type { DispatchParts } from './tools.ts';

/** Bounds and hints of `resources/read`. */
export interface ReadOptions {
  /** Longest URI, in characters. */
  readonly maxUriLength: number;
  readonly hint: Required<CacheHint>;
}

/** The code of a missing resource in the legacy revisions. */
const LEGACY_RESOURCE_NOT_FOUND = -32002;

/** Serves `resources/read`. */
export function createResourceReader(parts: DispatchParts, options: ReadOptions): MethodHandler {
  const { registry, rounds, writer } = parts;

  return async (params, call) => {
    const uri = params?.['uri'];
    if (typeof uri !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'uri must be a string');
    if (uri.length > options.maxUriLength)
      throw new ProtocolError(ErrorCode.InvalidParams, `uri exceeds ${options.maxUriLength} characters`);
    const found = find(uri);
    if (found === undefined || !URL.canParse(uri)) throw notFound(uri, call);
    call.target = found.entry.name;
    rounds.open(params as Record<string, unknown>, call);
    const result = resultObject(`resource "${found.entry.name}"`, await found.read(new URL(uri), call));
    if (result['resultType'] === 'input_required') return rounds.answer(result, params, call);
    return write(result, found.entry, uri, call);
  };

  function write(result: Record<string, unknown>, entry: Entry, uri: string, call: Call): Answer {
    const { contents } = result;
    if (!Array.isArray(contents))
      throw new InternalFault(new TypeError(`resource "${entry.name}" must return contents`));
    if (contents.length === 0) throw notFound(uri, call);
    const { ttlMs, cacheScope } = entry.cacheHint ?? {};
    return writer.cacheable(
      result,
      { ttlMs: ttlMs ?? options.hint.ttlMs, cacheScope: cacheScope ?? options.hint.cacheScope },
      call,
    );
  }

  function find(uri: string): Found | undefined {
    const resource = registry.resources.get(uri);
    if (resource?.enabled) return { entry: resource, read: (url, call) => resource.readCallback(url, call) };
    for (const template of registry.templates.values()) {
      const variables = template.enabled ? template.target.uriTemplate.match(uri) : null;
      if (variables !== null)
        return { entry: template, read: (url, call) => template.readCallback(url, variables as Variables, call) };
    }
    return undefined;
  }
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
