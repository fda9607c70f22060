/** The stateless revision, in which every request carries its envelope. */
export const MODERN_VERSION = '2026-07-28';

/** The modern revisions, newest first. */
export const MODERN_VERSIONS: readonly string[] = Object.freeze([MODERN_VERSION]);

/** The revisions with an `initialize` handshake, newest first. */
export const LEGACY_VERSIONS: readonly string[] = Object.freeze([
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
]);

/** The newest legacy revision: the answer to a handshake that asks for one unknown here. */
export const NEWEST_LEGACY_VERSION = '2025-11-25';

/** The revision of a legacy HTTP request without a version header, and the only one that has batches. */
export const BATCH_VERSION = '2025-03-26';

/** The two ways in which a request can be meant. */
export type Era = 'modern' | 'legacy';

/** Whether a version names a modern revision, known here or not: revisions are dates and sort as text. */
export function isModernVersion(version: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= MODERN_VERSION;
}
