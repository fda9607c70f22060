import type { FieldPacket } from 'mysql2';
import { type Convert, toBytes, toInteger, toIsoTimestamp, toJsonValue } from '../sql/rows.ts';

const TINY = 1;
const TIMESTAMP = 7;
const LONGLONG = 8;
const DATETIME = 12;
const JSON_TYPE = 245;
const BLOBS = new Set([249, 250, 251, 252, 253, 254]);
const BINARY_CHARSET = 63;

/** The parts of a column's description that its types leave out. */
type Field = FieldPacket & { readonly extendedFormat?: string; readonly characterSet?: number };

/** How a column's values become those that are alike on all databases; nothing where they are already. */
export function convertOf(description: FieldPacket): Convert | undefined {
  const field = description as Field;
  if (field.extendedFormat === 'json') return toJsonValue; // MariaDB's JSON is a text column
  switch (field.columnType) {
    case TINY:
      return field.columnLength === 1 ? Boolean : undefined; // BOOLEAN is TINYINT(1)
    case LONGLONG:
      return toInteger;
    case TIMESTAMP:
    case DATETIME:
      return toIsoTimestamp;
    case JSON_TYPE:
      return toJsonValue;
    default:
      return BLOBS.has(field.columnType ?? -1) && field.characterSet === BINARY_CHARSET ? toBytes : undefined;
  }
}
