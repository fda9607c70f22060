import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A value of an attribute in OTLP's JSON. */
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number; readonly doubleValue?: number };
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number };
}

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of it, it compares.
  readonly [kind: string]: any;
}

export function attributesOf({ attributes }: { readonly attributes: readonly Attribute[] }): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** A collector that takes OTLP over HTTP in JSON. */
export class OtlpReceiver {
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: unknown }[] = [];
  /** What it answers; 0 for nothing at all. */
  status = 200;
  readonly #server = createServer((request, response) => {
    void json(request).then((body) => {
      this.requests.push({ path: request.url ?? '', headers: request.headers, body });
      if (this.status === 0) return;
      response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
    });
  });

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get spans(): readonly OtlpSpan[] {
    // biome-ignore lint/suspicious/noExplicitAny: OTLP's envelope.
    return this.#bodies('/v1/traces').flatMap((body: any) => body.resourceSpans[0].scopeSpans[0].spans);
  }

  /** The metrics of each export. */
  get exports(): readonly (readonly OtlpMetric[])[] {
    // biome-ignore lint/suspicious/noExplicitAny: OTLP's envelope.
    return this.#bodies('/v1/metrics').map((body: any) => body.resourceMetrics[0].scopeMetrics[0].metrics);
  }

  #bodies(path: string): unknown[] {
    return this.requests.filter((request) => request.path === path).map(({ body }) => body);
  }
}
