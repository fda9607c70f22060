import { connect, type RemoteContent } from './adapter/client.ts';
import { CliError, EXIT } from './cli-error.ts';
import { type ConnectionOptions, parseUrl } from './connection.ts';
import type { Output } from './output.ts';

export interface CallOptions extends ConnectionOptions {
  /** Print the result as it came rather than its text. */
  readonly raw: boolean;
}

/** Calls one tool and prints its answer. @returns The exit code. */
export async function call(
  url: string,
  tool: string,
  json: string,
  options: CallOptions,
  output: Output,
): Promise<number> {
  const toolArguments = parseArguments(json);
  const server = await connect(parseUrl(url), options);
  try {
    const result = await server.callTool(tool, toolArguments);
    const exitCode = result.isError === true ? EXIT.toolError : EXIT.ok;
    if (options.raw) output.out(`${JSON.stringify(result, null, 2)}\n`);
    else if (result.isError === true) output.error(toText(result.content, result.structuredContent));
    else output.out(toText(result.content, result.structuredContent));
    return exitCode;
  } finally {
    await server.close();
  }
}

function parseArguments(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new CliError(`the arguments are not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError(`the arguments must be a JSON object such as '{"category":"Books"}'`);
  }
  return { ...value };
}

/** The texts; without any, the structured content; and a word about what cannot be printed. */
function toText(content: readonly RemoteContent[], structured: unknown): string {
  const parts = content.map(toPart);
  if (!content.some(({ type }) => type === 'text') && structured !== undefined)
    parts.push(JSON.stringify(structured, null, 2));
  return parts.map((part) => (part.endsWith('\n') ? part : `${part}\n`)).join('');
}

function toPart(part: RemoteContent): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image':
    case 'audio':
      return `[${part.type}: ${part.mimeType}, ${part.data.length} base64 characters]`;
    case 'resource_link':
      return `[resource: ${part.uri}]`;
    case 'resource':
      return 'text' in part.resource ? part.resource.text : `[resource: ${part.resource.uri}]`;
  }
}
