import { isObject } from './json.ts';

/** Members of a schema that hold values, in which `$ref` is a name like any other. */
const VALUES = new Set(['const', 'enum', 'default', 'examples']);

/**
 * A schema as it must read when it becomes a part of another: references from its root go to its new place.
 *
 * @param place The new place as a JSON pointer, such as `/properties/result`.
 */
export function moveSchema(schema: Record<string, unknown>, place: string): Record<string, unknown> {
  return moved(schema, place) as Record<string, unknown>;
}

/** Members of a schema whose own members are names, each with a schema. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

function moved(node: unknown, place: string): unknown {
  if (Array.isArray(node)) return node.map((item) => moved(item, place));
  if (!isObject(node)) return node;
  const entries = Object.entries(node).map(([key, value]) => {
    if (NAMED.has(key) && isObject(value))
      return [key, Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, moved(schema, place)]))];
    if (key === '$ref' && typeof value === 'string' && (value === '#' || value.startsWith('#/')))
      return [key, `#${place}${value.slice(1)}`];
    return [key, VALUES.has(key) ? value : moved(value, place)];
  });
  return Object.fromEntries(entries);
}
