import { isObject } from './json.ts';

/** MCP Apps: tools whose results are shown by a view, an HTML page that is read as a resource (SEP-1865). */
export const APPS_EXTENSION = 'io.modelcontextprotocol/ui';

/** How the URI of every view begins. */
export const VIEW_SCHEME = 'ui://';

/** The key by which tools named their views at first. */
const FLAT_KEY = 'ui/resourceUri';

/** The URI of the view that a tool's definition names, if it names one. */
export function viewOf({ _meta: meta }: { readonly _meta?: unknown }): string | undefined {
  if (!isObject(meta)) return undefined;
  const { ui, [FLAT_KEY]: flat } = meta;
  const uri = (isObject(ui) ? ui['resourceUri'] : undefined) ?? flat;
  return typeof uri === 'string' ? uri : undefined;
}

/** The same definition without its view: a host shows its results as those of any tool. */
export function withoutView<T extends { readonly _meta?: unknown }>(definition: T): T {
  if (!isObject(definition._meta)) return definition;
  const { ui, [FLAT_KEY]: _flat, ...rest } = definition._meta;
  if (!isObject(ui)) return { ...definition, _meta: rest };
  const { resourceUri: _uri, ...ownUi } = ui;
  return { ...definition, _meta: { ...rest, ui: ownUi } };
}
