/** Requests that change nothing, whoever answers them. */
const SAFE_METHODS: ReadonlySet<string> = new Set([
  'server/discover',
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
]);

/** Tells which calls may be made twice. */
export class SafeCalls {
  readonly #names: ReadonlySet<string>;
  readonly #globs: readonly (readonly string[])[];

  /** @param tools Names of tools that change nothing, or make the same change only once; `*` stands for any characters. */
  constructor(tools: readonly string[]) {
    this.#names = new Set(tools.filter((name) => !name.includes('*')));
    this.#globs = tools.filter((name) => name.includes('*')).map((glob) => glob.split(/\*+/));
  }

  isSafe(method: string | undefined, name: string | undefined): boolean {
    if (method === undefined) return false;
    if (method !== 'tools/call') return SAFE_METHODS.has(method);
    return name !== undefined && (this.#names.has(name) || this.#globs.some((parts) => matches(name, parts)));
  }
}

/** Whether a text is the parts in their order with anything between; the first and the last stand at its ends. */
function matches(text: string, parts: readonly string[]): boolean {
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
