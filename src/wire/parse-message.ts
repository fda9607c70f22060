import { findExcess, type JsonBounds } from './json.ts';
import { ErrorCode, ProtocolError } from './jsonrpc.ts';

/** Parses a message within bounds. Answers the error rather than throwing it. */
export function parseMessage(text: string, bounds: JsonBounds): unknown {
  const excess = findExcess(text, bounds);
  if (excess === 'depth')
    return new ProtocolError(ErrorCode.InvalidRequest, `The message is nested deeper than ${bounds.maxDepth}`);
  if (excess === 'elements')
    return new ProtocolError(ErrorCode.InvalidRequest, `The message has more than ${bounds.maxElements} elements`);
  try {
    return JSON.parse(text);
  } catch {
    return new ProtocolError(ErrorCode.ParseError, 'The message is not valid JSON');
  }
}
