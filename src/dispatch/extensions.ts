import type { Registry } from '../registry/registry.ts';
import { APPS_EXTENSION, type Era, type ServerCapabilities, TASKS_EXTENSION } from '../wire/wire.ts';

/** The extensions of the protocol that a server has, by what is registered, as a member of its capabilities. */
export function extensionsOf(registry: Registry, era: Era): ServerCapabilities {
  const extensions = {
    ...(registry.hasViews ? { [APPS_EXTENSION]: {} } : {}),
    ...(registry.runsTasks && era === 'modern' ? { [TASKS_EXTENSION]: {} } : {}),
  };
  return Object.keys(extensions).length === 0 ? {} : { extensions };
}
