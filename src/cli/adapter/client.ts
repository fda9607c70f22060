import type {
  CallToolResult,
  Client,
  ContentBlock,
  Prompt,
  RequestOptions,
  Resource,
  ResourceTemplateType,
  Tool,
} from '@modelcontextprotocol/client';
import { readVersion } from '../../kernel/package-version.ts';
import { CliError } from '../cli-error.ts';
import type { ConnectionOptions } from '../connection.ts';
import { type Sdk, toCliError } from './client-errors.ts';

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

/** What has to be known of a server to send it requests of one's own. */
export interface RemoteDescription extends Pick<RemoteCatalogue, 'server' | 'protocol' | 'tools'> {
  readonly hasSession: boolean;
}

/** A connection to a server. Every method throws {@link CliError} where the server cannot be reached or refuses. */
export interface RemoteServer {
  callTool(name: string, toolArguments: Record<string, unknown>): Promise<CallToolResult>;
  list(): Promise<RemoteCatalogue>;
  /** The tools alone, and whether the server keeps a session for each client. */
  describe(): Promise<RemoteDescription>;
  close(): Promise<void>;
}

/** @throws {CliError} */
export async function connect(url: URL, options: ConnectionOptions): Promise<RemoteServer> {
  const sdk = await import('@modelcontextprotocol/client'); // late: 100 ms that help and usage errors need not wait for
  const requestOptions = { timeout: options.timeoutMs };
  const client = new sdk.Client({ name: 'peregrine', version: readVersion() }, toClientOptions(sdk, options));
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toCliError(sdk, error, url, options);
    }
  };
  const transport = new sdk.StreamableHTTPClientTransport(url, {
    requestInit: { headers: options.header.map(([name, value]) => [name, value]) },
  });
  await attempt(() => client.connect(transport, requestOptions));
  return {
    callTool: (name, toolArguments) =>
      attempt(async () => {
        try {
          return await client.callTool({ name, arguments: toolArguments }, requestOptions);
        } catch (error) {
          throw (await toUnknownToolError(sdk, client, error, name, options)) ?? error;
        }
      }),
    list: () => attempt(() => listEverything(client, requestOptions)),
    describe: () =>
      attempt(async () => ({
        ...identityOf(client),
        tools: await listTools(client, requestOptions),
        hasSession: transport.sessionId !== undefined,
      })),
    close: async () => {
      await transport.terminateSession().catch(() => {}); // A session that ends by itself a little later is no harm.
      await client.close();
    },
  };
}

async function listTools(client: Client, options: RequestOptions): Promise<readonly Tool[]> {
  return client.getServerCapabilities()?.tools ? (await client.listTools(undefined, options)).tools : [];
}

function identityOf(client: Client): Pick<RemoteCatalogue, 'server' | 'protocol'> {
  return { server: client.getServerVersion(), protocol: client.getNegotiatedProtocolVersion() ?? 'unknown' };
}

/** Asks only for what the server says it has: the client would print a remark about anything else. */
async function listEverything(client: Client, options: RequestOptions): Promise<RemoteCatalogue> {
  const { resources, prompts } = client.getServerCapabilities() ?? {};
  return {
    ...identityOf(client),
    tools: await listTools(client, options),
    resources: resources ? (await client.listResources(undefined, options)).resources : [],
    resourceTemplates: resources ? (await client.listResourceTemplates(undefined, options)).resourceTemplates : [],
    prompts: prompts ? (await client.listPrompts(undefined, options)).prompts : [],
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
async function toUnknownToolError(
  sdk: Sdk,
  client: Client,
  error: unknown,
  name: string,
  options: ConnectionOptions,
): Promise<CliError | undefined> {
  if (!sdk.ProtocolError.isInstance(error) || error.code !== sdk.ProtocolErrorCode.InvalidParams) return undefined;
  const tools = await listTools(client, { timeout: options.timeoutMs });
  if (tools.some((tool) => tool.name === name)) return undefined;
  const offered =
    tools.length === 0 ? 'the server has none' : `the server has ${tools.map((tool) => tool.name).join(', ')}`;
  return new CliError(`there is no tool "${name}"; ${offered}`, { cause: error });
}
