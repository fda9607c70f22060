/** A tool with `run: 'auto'` turned out to block the event loop. */
export interface PlacementEvent {
  readonly tool: string;
  /** `moved`: its calls run in threads from now on; `blocking`: it has no module, so they go on as they are. */
  readonly kind: 'moved' | 'blocking';
  /** What 9 of 10 calls did not exceed, in milliseconds. */
  readonly p90Ms: number;
  readonly calls: number;
}
