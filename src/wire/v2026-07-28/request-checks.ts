import { type Failure, failure } from '../failure.ts';
import { isObject } from '../json.ts';
import { ErrorCode, type JsonRpcNotification, type JsonRpcRequest } from '../jsonrpc.ts';
import { MetaKey } from '../meta-keys.ts';
import { isModernVersion, MODERN_VERSIONS } from '../versions.ts';
import { findEnvelopeIssue } from './envelope.ts';
import { decodeHeaderValue, NAME_SOURCE } from './headers.ts';

/** The header fields that repeat what the body says. */
export interface MirroredHead {
  readonly protocolVersion: string | undefined;
  readonly mcpMethod: string | undefined;
  readonly mcpName: string | undefined;
  readonly params: ReadonlyMap<string, string> | undefined;
}

/** Knows which arguments of a tool are repeated in headers. */
export interface HeaderMapping {
  /** What disagrees between headers and arguments, or nothing. */
  headerMismatch(
    params: Record<string, unknown> | undefined,
    headers: ReadonlyMap<string, string> | undefined,
  ): string | undefined;
}

/** The `_meta` of a message, if it claims the modern era: if it names a protocol version, whatever its value. */
export function claimOf(message: JsonRpcRequest | JsonRpcNotification): Record<string, unknown> | undefined {
  const meta = message.params?.['_meta'];
  return isObject(meta) && meta[MetaKey.protocolVersion] !== undefined ? meta : undefined;
}

/** Whether an `initialize` is a modern request after all: only with a whole envelope of a modern revision. */
export function isModernInitialize(meta: Record<string, unknown>): boolean {
  return findEnvelopeIssue(meta) === undefined && isModernVersion(meta[MetaKey.protocolVersion] as string);
}

/** Checks a modern request as far as it can be without HTTP: the envelope and its version. */
export function checkEnvelope(meta: Record<string, unknown>): Failure | undefined {
  const issue = findEnvelopeIssue(meta);
  if (issue === undefined) return undefined;
  return failure(400, ErrorCode.InvalidParams, `Invalid _meta envelope: ${issue.key}: ${issue.problem}`, {
    envelope: issue,
  });
}

export function checkVersion(meta: Record<string, unknown>): Failure | undefined {
  const requested = meta[MetaKey.protocolVersion] as string;
  if (MODERN_VERSIONS.includes(requested)) return undefined;
  return failure(400, ErrorCode.UnsupportedProtocolVersion, 'Unsupported protocol version', {
    supported: MODERN_VERSIONS,
    requested,
  });
}

/**
 * Checks a modern request that came over HTTP, in the specification's order: envelope, disagreement of headers and body,
 * version, presence of headers, mirrored name and arguments.
 *
 * HOT: every modern request; guarded by `npm run bench`.
 */
export function checkModernRequest(
  head: MirroredHead,
  message: JsonRpcRequest,
  meta: Record<string, unknown>,
  mapping: HeaderMapping,
): Failure | undefined {
  const { method, params } = message;
  const early = checkEnvelope(meta) ?? checkAgreement(head, method, meta) ?? checkVersion(meta);
  if (early !== undefined) return early;
  if (head.protocolVersion === undefined) return mismatch('the MCP-Protocol-Version header is missing');
  if (head.mcpMethod === undefined) return mismatch('the Mcp-Method header is missing');
  const source = NAME_SOURCE.get(method);
  if (source === undefined) return undefined;
  const named = checkName(head.mcpName, source, params?.[source]);
  if (named !== undefined || method !== 'tools/call') return named;
  const problem = mapping.headerMismatch(params, head.params);
  return problem === undefined ? undefined : mismatch(problem);
}

/** Checks a modern notification that came over HTTP. */
export function checkModernNotification(
  head: MirroredHead,
  message: JsonRpcNotification,
  meta: Record<string, unknown> | undefined,
): Failure | undefined {
  const claimed = meta?.[MetaKey.protocolVersion];
  if (meta !== undefined && typeof claimed !== 'string')
    return failure(
      400,
      ErrorCode.InvalidParams,
      `Invalid _meta envelope: ${MetaKey.protocolVersion}: must be a string`,
    );
  return checkAgreement(head, message.method, meta ?? {});
}

function checkAgreement(head: MirroredHead, method: string, meta: Record<string, unknown>): Failure | undefined {
  const claimed = meta[MetaKey.protocolVersion];
  if (claimed !== undefined && head.protocolVersion !== undefined && head.protocolVersion !== claimed) {
    return mismatch('the MCP-Protocol-Version header and the body name different versions');
  }
  if (head.mcpMethod !== undefined && head.mcpMethod !== method)
    return mismatch('the Mcp-Method header and the body name different methods');
  return undefined;
}

function checkName(header: string | undefined, source: string, value: unknown): Failure | undefined {
  if (header === value && header !== undefined && !header.startsWith('=?')) return undefined;
  if (header === undefined) return typeof value === 'string' ? mismatch('the Mcp-Name header is missing') : undefined;
  const decoded = decodeHeaderValue(header);
  if (decoded === undefined) return mismatch('the Mcp-Name header is not valid Base64');
  return typeof value === 'string' && decoded !== value
    ? mismatch(`the Mcp-Name header and params.${source} differ`)
    : undefined;
}

/** The answer to headers that say something else than the body. */
export function mismatch(problem: string): Failure {
  return failure(400, ErrorCode.HeaderMismatch, `Header mismatch: ${problem}`);
}

/** The answer to a request whose header names the modern era while its body has no envelope. */
export function missingEnvelope(version: string): Failure {
  const missing = [MetaKey.protocolVersion, MetaKey.clientCapabilities];
  return failure(
    400,
    ErrorCode.InvalidParams,
    `The MCP-Protocol-Version header names ${version}, but the request has no envelope`,
    { envelope: { missing } },
  );
}
