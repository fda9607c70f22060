/** The contract of `load/`: sends MCP requests to a server and measures what comes of them. */

export { toHtml } from './html-report.ts';
export { judgeAnswer } from './judge.ts';
export { LatencyHistogram, type LatencySummary } from './latency-histogram.ts';
export { type ConnectionOwner, LoadConnection, type LoadTarget, type WireRequest } from './load-connection.ts';
export type { Greeter, LoadPlan, PreparedRequest } from './load-plan.ts';
export { type GeneratorFigures, type RunOutcome, runLoad } from './load-run.ts';
export { type ListedTool, McpRequests, type ServerFacts } from './mcp-requests.ts';
export { MIX_METHODS, type MixPart, parseMix } from './mix.ts';
export { PROFILES, type Profile, parseDuration, parseStages, stagesOf, withWarmUp } from './profiles.ts';
export { runInTurns } from './rounds.ts';
export { SessionGreeter } from './session-greeter.ts';
export { Schedule, type Stage } from './stages.ts';
export { type Latency, type LoadSummary, summarize } from './summary.ts';
export { parseThreshold, THRESHOLD_FIGURES, type Threshold } from './thresholds.ts';
export type { Second } from './time-line.ts';
