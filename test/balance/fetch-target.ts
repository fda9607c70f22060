import type { Target, TargetCall, TargetSink } from '../../src/balance/balance.ts';

/** A target over `fetch`: one server, nothing behind it but the network. */
export class FetchTarget implements Target {
  readonly name: string;
  readonly #url: string;
  readonly #open = new Set<AbortController>();

  constructor(name: string, url: string) {
    this.name = name;
    this.#url = url;
  }

  send(call: TargetCall, sink: TargetSink): ReturnType<Target['send']> {
    const abort = new AbortController();
    this.#open.add(abort);
    void this.#fetch(call, sink, abort.signal).finally(() => this.#open.delete(abort));
    return { pause: () => {}, resume: () => {}, abort: () => abort.abort() };
  }

  async close(): Promise<void> {
    for (const abort of this.#open) abort.abort();
  }

  async #fetch(
    { method, headerLines, body, session }: TargetCall,
    sink: TargetSink,
    signal: AbortSignal,
  ): Promise<void> {
    let started = false;
    try {
      const lines = headerLines.split('\r\n').filter(Boolean);
      const headers = lines.map((line): [string, string] => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
      if (session !== undefined) headers.push(['Mcp-Session-Id', session.id]);
      const response = await fetch(this.#url, {
        method,
        headers,
        body: body === undefined ? null : Buffer.from(body as string),
        signal,
      } as RequestInit);
      started = true;
      sink.head(
        response.status,
        { get: (name) => response.headers.get(name) ?? undefined, entries: () => response.headers },
        this.#url,
      );
      for await (const chunk of response.body ?? []) sink.data(Buffer.from(chunk));
      if (!signal.aborted) sink.ended();
    } catch (error) {
      if (signal.aborted) return;
      const reason = started ? 'lost' : 'unavailable';
      sink.failed({ reason, message: `${this.name}: ${(error as Error).message}`, retryAfterSeconds: 1 });
    }
  }
}
