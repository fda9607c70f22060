import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';

/** One request to the API. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Ends the request, its answer included. */
  readonly signal: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** How the API is reached. */
export interface ApiTransport {
  send(request: ApiRequest): Promise<ApiAnswer>;
  close(): void;
}

/** A connection that has been silent for so long is asked whether its other end is still there. */
const PROBE_AFTER_MS = 15_000;
/** One that nobody uses is closed after this time. */
const IDLE_MS = 60_000;

/** Over connections that are kept. */
export function createApiTransport(apiServer: URL, ca: string | undefined): ApiTransport {
  const isTls = apiServer.protocol === 'https:';
  const keeping = { keepAlive: true, timeout: IDLE_MS };
  const agent = isTls ? new HttpsAgent({ ...keeping, ca }) : new HttpAgent(keeping);
  const prefix = apiServer.pathname.replace(/\/$/, '');
  return {
    send({ method, path, headers, body, signal }) {
      const options: RequestOptions = { method, path: prefix + path, headers, agent, signal };
      return new Promise((resolve, reject) => {
        const answered = (answer: IncomingMessage): void => resolve({ status: answer.statusCode ?? 0, body: answer });
        const origin = { host: hostOf(apiServer), port: apiServer.port || (isTls ? 443 : 80) };
        const request = (isTls ? requestHttps : requestHttp)({ ...origin, ...options }, answered);
        request.setSocketKeepAlive(true, PROBE_AFTER_MS);
        request.on('error', reject).end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
