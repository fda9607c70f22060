/** The MCP types that cross the public interface. Names and members are the specification's. */

export type JsonSchema = { readonly [key: string]: unknown };
export type Meta = { readonly [key: string]: unknown };
export type Role = 'user' | 'assistant';
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';
export type CacheScope = 'public' | 'private';

/** How long, and for whom, a client may reuse an answer. */
export interface CacheHint {
  /** Milliseconds for which the answer stays fresh. @default 0 */
  readonly ttlMs?: number;
  /** Whether the answer is the same for everyone. @default 'private' */
  readonly cacheScope?: CacheScope;
}

export interface Icon {
  src: string;
  mimeType?: string | undefined;
  sizes?: string[] | undefined;
  theme?: 'light' | 'dark' | undefined;
}

export interface Implementation {
  name: string;
  version: string;
  title?: string | undefined;
  description?: string | undefined;
  websiteUrl?: string | undefined;
  icons?: Icon[] | undefined;
}

export interface Annotations {
  audience?: Role[] | undefined;
  priority?: number | undefined;
  lastModified?: string | undefined;
}

interface Block {
  annotations?: Annotations | undefined;
  _meta?: Record<string, unknown> | undefined;
}

export interface TextContent extends Block {
  type: 'text';
  text: string;
}
export interface ImageContent extends Block {
  type: 'image';
  /** Base64. */
  data: string;
  mimeType: string;
}
export interface AudioContent extends Block {
  type: 'audio';
  /** Base64. */
  data: string;
  mimeType: string;
}
export interface ResourceLink extends Block {
  type: 'resource_link';
  uri: string;
  name: string;
  title?: string | undefined;
  description?: string | undefined;
  mimeType?: string | undefined;
  size?: number | undefined;
  icons?: Icon[] | undefined;
}
export interface EmbeddedResource extends Block {
  type: 'resource';
  resource: ResourceContents;
}
export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource;

export type ResourceContents = {
  uri: string;
  mimeType?: string | undefined;
  _meta?: Record<string, unknown> | undefined;
} & ({ text: string } | { blob: string });

export interface ToolAnnotations {
  title?: string | undefined;
  readOnlyHint?: boolean | undefined;
  destructiveHint?: boolean | undefined;
  idempotentHint?: boolean | undefined;
  openWorldHint?: boolean | undefined;
}

export interface CallToolResult {
  content?: ContentBlock[] | undefined;
  structuredContent?: unknown;
  isError?: boolean | undefined;
  _meta?: Record<string, unknown> | undefined;
  [key: string]: unknown;
}

export interface ReadResourceResult {
  contents: ResourceContents[];
  ttlMs?: number | undefined;
  cacheScope?: CacheScope | undefined;
  _meta?: Record<string, unknown> | undefined;
  [key: string]: unknown;
}

export interface PromptMessage {
  role: Role;
  content: ContentBlock;
}

export interface GetPromptResult {
  description?: string | undefined;
  messages: PromptMessage[];
  _meta?: Record<string, unknown> | undefined;
  [key: string]: unknown;
}

export interface Resource {
  uri: string;
  name: string;
  title?: string | undefined;
  description?: string | undefined;
  mimeType?: string | undefined;
  size?: number | undefined;
  annotations?: Annotations | undefined;
  icons?: Icon[] | undefined;
  _meta?: Record<string, unknown> | undefined;
}

export interface ListResourcesResult {
  resources: Resource[];
  [key: string]: unknown;
}

export interface PromptArgument {
  name: string;
  title?: string | undefined;
  description?: string | undefined;
  required?: boolean | undefined;
}

/** A request inside an `input_required` result: the client fulfils it and sends the call again. */
export interface InputRequest {
  method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  params?: Record<string, unknown> | undefined;
}

/** The result of a multi-round-trip handler that needs more input before it can finish. */
export interface InputRequiredResult {
  resultType: 'input_required';
  inputRequests?: Record<string, InputRequest> | undefined;
  /** Plain here; sealed before it leaves the server and opened when it comes back. */
  requestState?: string | undefined;
  _meta?: Record<string, unknown> | undefined;
}

export interface ClientCapabilities {
  readonly elicitation?: { readonly form?: object; readonly url?: object } | undefined;
  readonly sampling?: { readonly tools?: object; readonly context?: object } | undefined;
  readonly roots?: object | undefined;
  readonly [key: string]: unknown;
}

export interface ServerCapabilities {
  tools?: { listChanged?: boolean };
  resources?: { subscribe?: boolean; listChanged?: boolean };
  prompts?: { listChanged?: boolean };
  completions?: object;
  logging?: object;
  [key: string]: unknown;
}

/** Which changes a `subscriptions/listen` stream is to carry. */
export interface SubscriptionFilter {
  toolsListChanged?: boolean;
  promptsListChanged?: boolean;
  resourcesListChanged?: boolean;
  resourceSubscriptions?: string[];
  /** Of the extension `io.modelcontextprotocol/tasks`. */
  taskIds?: string[];
}

/** From the least to the most severe. */
export const LOG_LEVELS: readonly LogLevel[] = Object.freeze([
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]);
