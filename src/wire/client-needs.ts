import { isObject } from './json.ts';
import type { ClientCapabilities } from './mcp.ts';

/** What a client must have declared for a request to it, and which kind of it. */
export type ClientNeed = readonly [name: 'elicitation' | 'sampling' | 'roots', mode?: 'form' | 'url' | 'tools'];

/** What a request to a client needs of it; nothing for one that the protocol does not know. */
export function clientNeedOf(request: unknown): ClientNeed | undefined {
  if (!isObject(request)) return undefined;
  const params = isObject(request['params']) ? request['params'] : {};
  switch (request['method']) {
    case 'elicitation/create':
      return ['elicitation', params['mode'] === 'url' ? 'url' : 'form'];
    case 'sampling/createMessage':
      return params['tools'] === undefined ? ['sampling'] : ['sampling', 'tools'];
    case 'roots/list':
      return ['roots'];
    default:
      return undefined;
  }
}

/** Whether a client declares what is needed. Elicitation without any mode means forms. */
export function declares(capabilities: ClientCapabilities, [name, mode]: ClientNeed): boolean {
  const declared = capabilities[name] as unknown;
  if (!isObject(declared)) return false;
  if (mode === undefined || declared[mode] !== undefined) return true;
  return mode === 'form' && declared['url'] === undefined;
}
