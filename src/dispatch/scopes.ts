import type { Registry } from '../registry/registry.ts';
import { isObject } from '../wire/wire.ts';
import type { Params } from './call.ts';
import { findCompleted } from './completion.ts';
import { findResource } from './resources.ts';

const NONE: readonly string[] = Object.freeze([]);

/**
 * The scopes that a request needs by what it is about; none for what is not registered, which its handler says. Who may not
 * use an entry may not have its arguments completed either, nor be told of its changes.
 */
export function neededScopes(
  registry: Registry,
  method: string,
  params: Params,
  maxUriLength: number,
): readonly string[] {
  const ofResource = (uri: unknown): readonly string[] =>
    typeof uri === 'string' && uri.length <= maxUriLength
      ? (findResource(registry, uri)?.entry.compiled.scopes ?? NONE)
      : NONE;
  switch (method) {
    case 'tools/call':
      return registry.tools.get(params?.['name'] as string)?.compiled.scopes ?? NONE;
    case 'prompts/get':
      return registry.prompts.get(params?.['name'] as string)?.compiled.scopes ?? NONE;
    case 'resources/read':
    case 'resources/subscribe':
      return ofResource(params?.['uri']);
    case 'subscriptions/listen': {
      const { notifications } = params ?? {};
      const uris = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined;
      return Array.isArray(uris) ? [...new Set(uris.flatMap(ofResource))] : NONE;
    }
    case 'completion/complete':
      return isObject(params?.['ref']) ? (findCompleted(registry, params['ref'])?.compiled.scopes ?? NONE) : NONE;
    default:
      return NONE;
  }
}
