/** The contract of `wire/`: JSON-RPC and MCP messages as text and objects, one folder for each revision that differs. */

export * from './apps.ts';
export * from './auth-info.ts';
export * from './cache-hint.ts';
export * from './client-needs.ts';
export * from './event-stream.ts';
export * from './failure.ts';
export * from './json.ts';
export * from './json-schema.ts';
export * from './jsonrpc.ts';
export type * from './mcp.ts';
export { LOG_LEVELS } from './mcp.ts';
export * from './meta-keys.ts';
export * from './parse-message.ts';
export * from './uri-template.ts';
export * from './v2025-11-25/request-checks.ts';
export * from './v2025-11-25/results.ts';
export * from './v2026-07-28/envelope.ts';
export * from './v2026-07-28/header-params.ts';
export * from './v2026-07-28/headers.ts';
export * from './v2026-07-28/request-checks.ts';
export * from './v2026-07-28/results.ts';
export * from './v2026-07-28/subscriptions.ts';
export * from './v2026-07-28/tasks.ts';
export * from './versions.ts';
