import type { LoadConnection } from './load-connection.ts';

const ERROR_KEY = Buffer.from('"error":');
const TOOL_ERROR = Buffer.from('"isError":true');
const TOOL_ERROR_SPACED = Buffer.from('"isError": true');
const RESULT_KEY = Buffer.from('"result":');

/**
 * What is wrong with an answer to a request, or nothing.
 *
 * HOT: a good answer costs a few searches and is not parsed; inside JSON text a quote is escaped, so that a key is found only
 * where one is.
 */
export function judgeAnswer(connection: LoadConnection): string | undefined {
  const { status } = connection;
  const body = connection.body();
  if (status === 200 && !body.includes(ERROR_KEY) && !body.includes(TOOL_ERROR) && !body.includes(TOOL_ERROR_SPACED))
    return body.includes(RESULT_KEY) ? undefined : 'an answer without a result';
  const message = lastMessage(body.toString());
  const error = message?.['error'] as { readonly code?: unknown } | undefined;
  if (status !== 200) return typeof error?.code === 'number' ? `HTTP ${status} (${error.code})` : `HTTP ${status}`;
  if (message === undefined) return 'an answer that is no JSON-RPC message';
  if (error !== undefined) return `JSON-RPC error ${String(error.code)}`;
  return (message['result'] as { readonly isError?: unknown } | undefined)?.isError === true ? 'tool error' : undefined;
}

/** The answer itself: the whole body, or the last message of an event stream. */
function lastMessage(body: string): Record<string, unknown> | undefined {
  const json = /(?:^|\n)data:/.test(body)
    ? (body.split(/\r?\n/).findLast((line) => line.startsWith('data:')) ?? '').slice(5)
    : body;
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
