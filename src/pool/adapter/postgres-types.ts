import type { CustomTypesConfig } from 'pg';
import { toBytes, toInteger, toIsoTimestamp, toJsonValue } from '../sql/rows.ts';

type Parse = (text: string) => unknown;

const TEXT_ARRAY = 1009;
const asIs: Parse = (text) => text;

/** By the type's object id. All others are as `pg` has them. */
const PARSERS: Readonly<Record<number, Parse>> = {
  20: toInteger, // int8
  114: toJsonValue, // json
  1082: asIs, // date
  1114: toIsoTimestamp as Parse, // timestamp
  1184: toIsoTimestamp as Parse, // timestamptz
  1186: asIs, // interval
  1700: asIs, // numeric
  3802: toJsonValue, // jsonb
};

/** Arrays of the above: the object id of the array and of its elements. */
const ARRAYS: Readonly<Record<number, number>> = {
  199: 114,
  1016: 20,
  1115: 1114,
  1182: 1082,
  1185: 1184,
  1187: 1186,
  1231: 1700,
  3807: 3802,
};

/** The parsers of results: `pg`'s own, but for the types that are mapped alike on all databases. */
export function createTypes(base: CustomTypesConfig): CustomTypesConfig {
  const parseBytes = base.getTypeParser(17, 'text') as Parse;
  const parseArray = base.getTypeParser(TEXT_ARRAY as never, 'text') as Parse;
  const arrayOf =
    (parse: Parse): Parse =>
    (text) =>
      mapDeep(parseArray(text), parse);
  const parsers = new Map<number, Parse>(Object.entries(PARSERS).map(([id, parse]) => [Number(id), parse]));
  parsers.set(17, (text) => toBytes(parseBytes(text)));
  for (const [id, element] of Object.entries(ARRAYS)) parsers.set(Number(id), arrayOf(PARSERS[element] ?? asIs));
  const getTypeParser = (id: number, format?: 'text' | 'binary'): Parse =>
    (format === 'binary' ? undefined : parsers.get(id)) ?? (base.getTypeParser(id, format as 'text') as Parse);
  return { getTypeParser: getTypeParser as CustomTypesConfig['getTypeParser'] };
}

function mapDeep(value: unknown, parse: Parse): unknown {
  if (Array.isArray(value)) return value.map((item) => mapDeep(item, parse));
  return typeof value === 'string' ? parse(value) : value;
}
