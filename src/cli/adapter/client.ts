import type { CallToolResult, Client, ContentBlock, Prompt, Resource, ResourceTemplateType, Tool } from '@modelcontextprotocol/client';
import { CliError } from '../cli-error.ts';
import type { ConnectionOptions } from '../connection.ts';

export type RemoteContent = ContentBlock;

/** Everything a server offers. */
export interface RemoteCatalogue {
  readonly server: { readonly name: string; readonly version: string } | undefined;
  readonly protocol: string;
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly resourceTemplates: readonly ResourceTemplateType[];
  readonly prompts: readonly Prompt[];
}

/** A connection to a server. Every method throws {@link CliError} where the server cannot be reached or refuses. */
export interface RemoteServer {
  callTool(name: string, toolArguments: Record<string, unknown>): Promise<CallToolResult>;
  list(): Promise<RemoteCatalogue>;
  close(): Promise<void>;
}

type Sdk = typeof import('@modelcontextprotocol/client');

/** @throws {CliError} */
export async function connect(url: URL, options: ConnectionOptions): Promise<RemoteServer> {
  const sdk = await import('@modelcontextprotocol/client'); // late: 100 ms that help and usage errors need not wait for
  const requestOptions = { timeout: options.timeoutMs };
  const client = new sdk.Client({ name: 'peregrine', version: '1' }, toClientOptions(sdk, options));
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toCliError(sdk, error, url, options);
    }
  };
  const transport = new sdk.StreamableHTTPClientTransport(url, { requestInit: { headers: options.header.map(([name, value]) => [name, value]) } });
  await attempt(() => client.connect(transport, requestOptions));
  return {
    callTool: (name, toolArguments) => attempt(async () => {
      try {
        return await client.callTool({ name, arguments: toolArguments }, requestOptions);
      } catch (error) {
        throw (await toUnknownToolError(sdk, client, error, name, options)) ?? error;
      }
    }),
    list: () => attempt(async () => ({
      server: client.getServerVersion(),
      protocol: client.getNegotiatedProtocolVersion() ?? 'unknown',
      tools: (await client.listTools(undefined, requestOptions)).tools,
      resources: (await client.listResources(undefined, requestOptions)).resources,
      resourceTemplates: (await client.listResourceTemplates(undefined, requestOptions)).resourceTemplates,
      prompts: (await client.listPrompts(undefined, requestOptions)).prompts,
    })),
    close: () => client.close(),
  };
}

function toClientOptions(sdk: Sdk, { legacy, protocol }: ConnectionOptions): ConstructorParameters<typeof Client>[1] {
  if (protocol === undefined) return { versionNegotiation: { mode: legacy ? 'legacy' : 'auto' } };
  if (sdk.SUPPORTED_PROTOCOL_VERSIONS.includes(protocol)) {
    return { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [protocol] };
  }
  return { versionNegotiation: { mode: { pin: protocol } } };
}

/** Servers answer an unknown tool as they answer other bad parameters; the list tells which it was. */
async function toUnknownToolError(sdk: Sdk, client: Client, error: unknown, name: string, options: ConnectionOptions): Promise<CliError | undefined> {
  if (!sdk.ProtocolError.isInstance(error) || error.code !== sdk.ProtocolErrorCode.InvalidParams) return undefined;
  const { tools } = await client.listTools(undefined, { timeout: options.timeoutMs });
  if (tools.some((tool) => tool.name === name)) return undefined;
  const offered = tools.length === 0 ? 'the server has none' : `the server has ${tools.map((tool) => tool.name).join(', ')}`;
  return new CliError(`there is no tool "${name}"; ${offered}`, { cause: error });
}

const SOCKET_ERRORS: Readonly<Record<string, string>> = Object.freeze({
  ECONNREFUSED: 'connection refused; is the server running?',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'no route to the host',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was closed',
});

function toCliError(sdk: Sdk, error: unknown, url: URL, options: ConnectionOptions): CliError {
  if (error instanceof CliError) return error;
  const causes = listCauses(error);
  const options_ = { cause: error };
  for (const cause of causes) {
    const code = 'code' in cause ? String(cause.code) : '';
    if (sdk.ProtocolError.isInstance(cause)) return new CliError(`the server refused: ${cause.message} (${cause.code})`, options_);
    if (sdk.SdkHttpError.isInstance(cause)) return new CliError(toHttpMessage(cause.status, url), options_);
    if (code === sdk.SdkErrorCode.RequestTimeout) {
      return new CliError(`${url.href} did not answer within ${options.timeoutMs / 1_000} s`, options_);
    }
    if (/^ERR_(SSL|TLS)|CERT/.test(code)) return new CliError(`cannot reach ${url.href}: no TLS connection (${code})`, options_);
    if (SOCKET_ERRORS[code] !== undefined) return new CliError(`cannot reach ${url.href}: ${SOCKET_ERRORS[code]}`, options_);
  }
  return new CliError(`cannot talk to ${url.href}: ${causes.at(-1)?.message ?? String(error)}`, options_);
}

function toHttpMessage(status: number, url: URL): string {
  if (status === 401 || status === 403) return `${url.href} answered ${status}: it wants other credentials; give them with --header`;
  if (status === 404 || status === 405) return `${url.href} answered ${status}: no MCP server on this path; is it /mcp?`;
  return `${url.href} answered with HTTP status ${status}`;
}

function listCauses(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 10;) {
    causes.push(cause);
    const data: unknown = 'data' in cause ? cause.data : undefined;
    cause = cause.cause ?? (typeof data === 'object' && data !== null && 'cause' in data ? data.cause : undefined)
      ?? (cause instanceof AggregateError ? cause.errors[0] : undefined);
  }
  return causes;
}
