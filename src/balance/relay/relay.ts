import {
  type Era,
  ErrorCode,
  type Implementation,
  isObject,
  legacyOutputSchema,
  legacyResultText,
  legacyToolResult,
  MetaKey,
  MODERN_VERSION,
  type ModernResultWriter,
  wrapsOutput,
} from '../../wire/wire.ts';
import type { TargetFailure } from '../gateway/target.ts';
import type { FrontRequest } from './front-request.ts';
import type { Peer, RpcError } from './peer.ts';

/** How a request is passed on. */
export interface RelayOptions {
  readonly writer: ModernResultWriter;
  /** Who asks a modern server where the client did not say. */
  readonly identity: Implementation;
  /** The parameters, where they differ from the client's. */
  readonly params?: Record<string, unknown>;
  /** Whether the tool's output, as this client knows it, is wrapped as `{ result }`. @default false */
  readonly wraps?: boolean;
  /** Looks at a result before it is translated, and may replace it. */
  readonly result?: (result: Record<string, unknown>) => Record<string, unknown>;
  /** Takes an error instead of the client, if it answers true. */
  readonly error?: (error: RpcError) => boolean;
  /** @default answers the client */
  readonly failed?: (failure: TargetFailure) => void;
}

/** The code of a missing resource in the legacy revisions. */
const LEGACY_RESOURCE_NOT_FOUND = -32002;
const NOT_REUSABLE = Object.freeze({ ttlMs: 0, cacheScope: 'private' } as const);
const CACHEABLE = /^(?:(?:tools|prompts|resources|resources\/templates)\/list|resources\/read)$/;

/** Passes a client's request to a server, whatever eras the two are of, and the answer back. */
export function relay(front: FrontRequest, peer: Peer, options: RelayOptions): void {
  if (front.settled) return; // The client left while something was waited for.
  const params = peerParams(front, peer.era, options);
  const cancel = peer.request(
    { method: front.method, params, wantsProgress: front.progressToken !== undefined },
    {
      notification: (method, about) => front.notify(method, about),
      result: (result) => answer(front, options.result?.(result) ?? result, options),
      error: (error) => {
        if (options.error?.(error) !== true) front.fail(frontError(front, error));
      },
      failed: (failure) => (options.failed === undefined ? front.unanswered(failure) : options.failed(failure)),
    },
  );
  front.onCancel = cancel;
}

/** The parameters of a request in the server's era. */
function peerParams(front: FrontRequest, era: Era, options: RelayOptions): Record<string, unknown> {
  const params = { ...(options.params ?? front.params) };
  if (era === 'legacy') {
    delete params['inputResponses'];
    delete params['requestState'];
    return Object.keys(front.meta).length === 0 ? params : { ...params, _meta: front.meta };
  }
  return { ...params, _meta: { ...front.meta, ...envelopeOf(front.client.info ?? options.identity, front.client) } };
}

/** The envelope of a request to a modern server. */
export function envelopeOf(
  info: Implementation,
  { capabilities = {}, logLevel }: { readonly capabilities?: object; readonly logLevel?: string | undefined } = {},
): Record<string, unknown> {
  return {
    [MetaKey.protocolVersion]: MODERN_VERSION,
    [MetaKey.clientInfo]: info,
    [MetaKey.clientCapabilities]: capabilities,
    ...(logLevel === undefined ? {} : { [MetaKey.logLevel]: logLevel }),
  };
}

function answer(front: FrontRequest, result: Record<string, unknown>, options: RelayOptions): void {
  const { resultType } = result;
  try {
    if (front.era === 'modern') front.succeed(modernText(front, result, options.writer));
    else if (resultType === undefined || resultType === 'complete') front.succeed(legacyText(front, result, options));
    else
      front.fail({
        code: ErrorCode.InvalidRequest,
        message: `${front.method} asks for input from the client, which needs protocol revision ${MODERN_VERSION}`,
      });
  } catch {
    front.fail({ code: ErrorCode.InternalError, message: 'The answer cannot be translated' });
  }
}

function modernText(front: FrontRequest, result: Record<string, unknown>, writer: ModernResultWriter): string {
  if (result['resultType'] === 'input_required') return writer.inputRequired(result);
  return CACHEABLE.test(front.method) ? writer.cacheable(result, NOT_REUSABLE) : writer.complete(result);
}

function legacyText(front: FrontRequest, result: Record<string, unknown>, { wraps = false }: RelayOptions): string {
  if (front.method === 'tools/call') return legacyResultText(legacyToolResult(result, wraps));
  if (front.method !== 'tools/list' || !Array.isArray(result['tools'])) return legacyResultText(result);
  return legacyResultText({ ...result, tools: result['tools'].map(legacyTool) });
}

/** A tool's definition as the legacy revisions may see it. */
export function legacyTool(tool: unknown): unknown {
  if (!isObject(tool) || !isObject(tool['outputSchema']) || !wrapsOutput(tool['outputSchema'])) return tool;
  return { ...tool, outputSchema: legacyOutputSchema(tool['outputSchema']) };
}

function frontError({ era, method }: FrontRequest, error: RpcError): RpcError {
  if (method !== 'resources/read') return error;
  if (era === 'modern' && error.code === LEGACY_RESOURCE_NOT_FOUND) return { ...error, code: ErrorCode.InvalidParams };
  if (era === 'legacy' && error.code === ErrorCode.InvalidParams) return { ...error, code: LEGACY_RESOURCE_NOT_FOUND };
  return error;
}
