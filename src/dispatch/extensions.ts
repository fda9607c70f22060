import type { Registry } from '../registry/registry.ts';
import { APPS_EXTENSION } from '../wire/wire.ts';

/** The extensions of the protocol that a server has, by what is registered; nothing where it has none. */
export function extensionsOf(registry: Registry): { readonly [id: string]: object } | undefined {
  return registry.hasViews ? { [APPS_EXTENSION]: {} } : undefined;
}
