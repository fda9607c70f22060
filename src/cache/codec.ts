import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRawSync } from 'node:zlib';
import { digestOf } from '../kernel/digest.ts';
import { Entry } from './entry.ts';

const deflate = promisify(deflateRaw);

const MAGIC = 0x70674331; // "pgC1": anything else under a key is not ours.
/** Magic, checksum, length of the header. */
const HEAD_BYTES = 12;
/** No lifetime is longer: a year, and a year of being stale. */
const MAX_LIFE_MS = 2 * 31_536_000_000;

/** What the second tier keeps of an entry besides its text; short names, since each value carries them. */
interface Header {
  /** Wall-clock times in milliseconds since 1970. */
  readonly e: number;
  readonly s: number;
  readonly f: number;
  /** The cluster's number of invalidations at which its computation began. */
  readonly q: number;
  readonly c: number;
  readonly t: readonly string[];
  /** The digest of the whole key: a value that stands under a wrong key is noticed. */
  readonly k: string;
  /** The length of the text in bytes where it is compressed. */
  readonly z?: number;
}

/** What decoding needs to know of here and now. */
export interface DecodeContext {
  readonly key: string;
  /** The number of invalidations in this process when the reading began. */
  readonly since: number;
  /** The monotonic time. */
  readonly now: number;
  /** What to subtract from wall-clock times for the monotonic ones. */
  readonly wallOffsetMs: number;
  /** Longest text, in bytes. */
  readonly maxBytes: number;
}

/** An entry of the second tier, and the cluster's number that its computation began at. */
export interface Decoded {
  readonly entry: Entry;
  readonly clusterSince: number;
}

/** Writes an entry for the second tier: magic, the checksum of what follows, the header's length, the header as JSON, the text. */
export async function encodeEntry(
  entry: Entry,
  key: string,
  clusterSince: number,
  wallOffsetMs: number,
  compressAboveBytes: number,
): Promise<Buffer> {
  const plain = Buffer.from(entry.text, 'utf8');
  const packed = plain.length > compressAboveBytes ? await deflate(plain, { level: 1 }) : plain;
  const isPacked = packed.length < plain.length;
  const body = isPacked ? packed : plain;
  const wall = (at: number): number => Math.round(at + wallOffsetMs);
  const header: Header = {
    e: wall(entry.expiresAt),
    s: wall(entry.staleUntil),
    f: wall(entry.staleIfErrorUntil),
    q: clusterSince,
    c: Math.round(entry.computeMs),
    t: entry.tags,
    k: digestOf(key),
    ...(isPacked ? { z: plain.length } : {}),
  };
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), head, body]);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(head.length, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** Reads an entry of the second tier. Whatever is not wholly as this version writes it is nothing. */
export function decodeEntry(bytes: Buffer, context: DecodeContext): Decoded | undefined {
  try {
    if (bytes.length < HEAD_BYTES || bytes.readUInt32BE(0) !== MAGIC) return undefined;
    if (bytes.readUInt32BE(4) !== crc32(bytes.subarray(8))) return undefined;
    const bodyAt = HEAD_BYTES + bytes.readUInt32BE(8);
    if (bodyAt > bytes.length) return undefined;
    const header: unknown = JSON.parse(bytes.toString('utf8', HEAD_BYTES, bodyAt));
    const body = bytes.subarray(bodyAt);
    if (!isHeader(header) || header.k !== digestOf(context.key)) return undefined;
    if ((header.z ?? body.length) > context.maxBytes) return undefined;
    if (header.e - context.wallOffsetMs - context.now > MAX_LIFE_MS) return undefined;
    const plain = header.z === undefined ? body : inflateRawSync(body, { maxOutputLength: Math.max(1, header.z) });
    if (header.z !== undefined && plain.length !== header.z) return undefined;
    return { entry: toEntry(header, plain.toString('utf8'), context), clusterSince: header.q };
  } catch {
    return undefined;
  }
}

function toEntry(header: Header, text: string, { since, wallOffsetMs }: DecodeContext): Entry {
  const expiresAt = header.e - wallOffsetMs;
  return new Entry(text, header.t, since, expiresAt, header.c, {
    ttlMs: 0,
    staleMs: header.s - header.e,
    staleIfErrorMs: header.f - header.e,
  });
}

function isHeader(header: unknown): header is Header {
  if (typeof header !== 'object' || header === null) return false;
  const { e, s, f, q, c, t, k, z = 0 } = header as { readonly [member: string]: unknown };
  if (!isCount(e) || !isCount(s) || !isCount(f) || !isCount(q) || !isCount(c) || !isCount(z)) return false;
  const areInOrder = e <= s && e <= f && Math.max(s, f) - e <= MAX_LIFE_MS && c <= MAX_LIFE_MS;
  return areInOrder && typeof k === 'string' && Array.isArray(t) && t.every((tag) => typeof tag === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
