import type { ClientCapabilities, Implementation, LogLevel } from '../wire/wire.ts';

/** What is kept of a session. */
export interface SessionRecord {
  /** Who it belongs to; nothing for one whose credentials nothing checked. */
  readonly principal: string | undefined;
  /** The revision of the handshake. */
  readonly version: string;
  readonly info: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
  readonly logLevel: LogLevel | undefined;
  /** The URIs of resources that it wants to hear of. */
  readonly watched: readonly string[];
}

/** Longest record, in characters: what one client may have kept. */
const MAX_LENGTH = 65_536;

/** The text of a record; nothing for one that is too long. */
export function writeRecord(record: SessionRecord): string | undefined {
  const text = JSON.stringify(record);
  return text.length > MAX_LENGTH ? undefined : text;
}

export function readRecord(text: string): SessionRecord {
  const { principal, info, logLevel, ...rest } = JSON.parse(text) as SessionRecord;
  return { principal, info, logLevel, ...rest };
}
