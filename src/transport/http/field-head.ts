import type { RequestHead } from '../exchange.ts';

type Entries = Iterable<readonly [string, string | string[] | undefined]>;

/** A header that somebody else parsed: its fields are looked up by their lower-case names. */
export abstract class FieldHead implements RequestHead {
  memo: unknown = undefined;
  access: unknown = undefined;

  abstract readonly path: string | undefined;
  abstract field(name: string): string | undefined;
  protected abstract entries(): Entries;
  abstract all(): Headers;
  abstract each(visit: (name: string, value: string) => void): void;

  get accept(): string | undefined {
    return this.field('accept');
  }
  get authorization(): string | undefined {
    return this.field('authorization');
  }
  get protocolVersion(): string | undefined {
    return this.field('mcp-protocol-version');
  }
  get mcpMethod(): string | undefined {
    return this.field('mcp-method');
  }
  get mcpName(): string | undefined {
    return this.field('mcp-name');
  }
  get sessionId(): string | undefined {
    return this.field('mcp-session-id');
  }
  get lastEventId(): string | undefined {
    return this.field('last-event-id');
  }

  get params(): ReadonlyMap<string, string> | undefined {
    let params: Map<string, string> | undefined;
    for (const [name, value] of this.entries()) {
      if (!name.startsWith('mcp-param-') || value === undefined) continue;
      params ??= new Map();
      params.set(name.slice('mcp-param-'.length), Array.isArray(value) ? value.join(', ') : value);
    }
    return params;
  }
}
