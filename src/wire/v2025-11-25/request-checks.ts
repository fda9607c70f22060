import { type Failure, failure } from '../failure.ts';
import { isObject } from '../json.ts';
import { ErrorCode, type JsonRpcRequest, kindOf } from '../jsonrpc.ts';
import { claimOf, missingEnvelope } from '../v2026-07-28/request-checks.ts';
import { BATCH_VERSION, isModernVersion, LEGACY_VERSIONS } from '../versions.ts';

const MAX_BATCH = 100;

/** Whether a client takes JSON for an answer. */
export function acceptsJson(accept: string): boolean {
  return accept.includes('application/json') || accept.includes('*/*') || accept.includes('application/*');
}

/** What is wrong with the version header of a legacy request, or nothing. */
export function checkLegacyVersion(version: string | undefined, method: string): Failure | undefined {
  if (version === undefined || LEGACY_VERSIONS.includes(version)) return undefined;
  if (isModernVersion(version)) {
    if (method !== 'initialize') return missingEnvelope(version);
    return failure(
      400,
      ErrorCode.HeaderMismatch,
      'Header mismatch: initialize belongs to earlier revisions than the MCP-Protocol-Version header names',
    );
  }
  return method === 'initialize'
    ? undefined
    : failure(400, ErrorCode.BadHttpRequest, `Unsupported protocol version (supported: ${LEGACY_VERSIONS.join(', ')})`);
}

/** What keeps a batch from being served, in a request or on a connection of a version. */
export function checkBatch(messages: readonly unknown[], version: string | undefined): Failure | undefined {
  const invalid = (message: string): Failure => failure(400, ErrorCode.InvalidRequest, message);
  if (messages.length === 0) return invalid('The batch is empty');
  if (messages.length > MAX_BATCH) return invalid(`The batch has more than ${MAX_BATCH} messages`);
  for (const message of messages) {
    if (kindOf(message) === 'invalid') return invalid('The batch holds an invalid message');
    if (!isObject(message) || message['method'] === 'initialize')
      return invalid('initialize cannot be part of a batch');
    if (claimOf(message as unknown as JsonRpcRequest) !== undefined)
      return invalid('Requests of this protocol revision cannot be part of a batch');
  }
  return version === undefined || version === BATCH_VERSION
    ? undefined
    : invalid(`Batches exist in protocol revision ${BATCH_VERSION} only`);
}
