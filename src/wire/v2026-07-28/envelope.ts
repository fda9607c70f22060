import { isObject } from '../json.ts';
import { isRequestId } from '../jsonrpc.ts';
import { type ClientCapabilities, type Implementation, LOG_LEVELS, type LogLevel } from '../mcp.ts';
import { MetaKey } from '../meta-keys.ts';

/** The reserved members of a modern request's `_meta`, in the specification's spelling. */
export interface Envelope {
  readonly 'io.modelcontextprotocol/protocolVersion': string;
  readonly 'io.modelcontextprotocol/clientCapabilities': ClientCapabilities;
  readonly 'io.modelcontextprotocol/clientInfo'?: Implementation;
  readonly 'io.modelcontextprotocol/logLevel'?: LogLevel;
}

/** What is wrong with an envelope: the key and the problem. */
export interface EnvelopeIssue {
  readonly key: string;
  readonly problem: string;
}

/** The first fault of a request's `_meta` as an envelope, or nothing. Missing keys come before malformed ones. */
export function findEnvelopeIssue(meta: Record<string, unknown>): EnvelopeIssue | undefined {
  const version = meta[MetaKey.protocolVersion];
  const capabilities = meta[MetaKey.clientCapabilities];
  if (version === undefined) return { key: MetaKey.protocolVersion, problem: 'missing' };
  if (capabilities === undefined) return { key: MetaKey.clientCapabilities, problem: 'missing' };
  if (typeof version !== 'string') return { key: MetaKey.protocolVersion, problem: 'must be a string' };
  if (!isObject(capabilities)) return { key: MetaKey.clientCapabilities, problem: 'must be an object' };
  const info = meta[MetaKey.clientInfo];
  if (
    info !== undefined &&
    !(isObject(info) && typeof info['name'] === 'string' && typeof info['version'] === 'string')
  ) {
    return { key: MetaKey.clientInfo, problem: 'must be an object with name and version' };
  }
  const level = meta[MetaKey.logLevel];
  if (level !== undefined && !LOG_LEVELS.includes(level as LogLevel)) {
    return { key: MetaKey.logLevel, problem: `must be one of ${LOG_LEVELS.join(', ')}` };
  }
  const token = meta['progressToken'];
  if (token !== undefined && !isRequestId(token))
    return { key: 'progressToken', problem: 'must be a string or an integer' };
  return undefined;
}
