import { MetaKey, MODERN_VERSION } from '../../../src/wire/wire.ts';

/** A message as tests look at it: any of the JSON-RPC shapes. */
export interface Rpc {
  readonly jsonrpc: '2.0';
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** What a request is made of, beyond its method and parameters. */
export interface MessageOptions {
  readonly id?: string | number;
  readonly capabilities?: Record<string, unknown>;
  readonly logLevel?: string;
  /** Further members of `_meta`; they replace those of the envelope. */
  readonly meta?: Record<string, unknown>;
}

/** A whole and valid envelope. */
export function envelope({ capabilities = {}, logLevel, meta }: MessageOptions = {}): Record<string, unknown> {
  return {
    [MetaKey.protocolVersion]: MODERN_VERSION,
    [MetaKey.clientCapabilities]: capabilities,
    ...(logLevel === undefined ? {} : { [MetaKey.logLevel]: logLevel }),
    ...meta,
  };
}

export function modernRequest(method: string, params: Record<string, unknown> = {}, options: MessageOptions = {}): Rpc {
  return { jsonrpc: '2.0', id: options.id ?? 1, method, params: { ...params, _meta: envelope(options) } };
}

export function legacyRequest(method: string, params: Record<string, unknown> = {}, id: string | number = 1): Rpc {
  return { jsonrpc: '2.0', id, method, params };
}

/** The text of the first block of a tool's answer. */
export function textOf({ result }: Rpc): unknown {
  return (result?.content as { text?: unknown }[] | undefined)?.[0]?.text;
}

/** The code of an error, or nothing when the message is none. */
export function codeOf({ error }: Rpc): number | undefined {
  return error?.code;
}

/** The entries of a list's answer; none where it is an error. */
export function entriesOf({ result }: Rpc, member: string): Record<string, unknown>[] {
  return (result?.[member] ?? []) as Record<string, unknown>[];
}

/** The names of a list's entries. */
export function namesOf(reply: Rpc, member: string): unknown[] {
  return entriesOf(reply, member).map(({ name }) => name);
}
