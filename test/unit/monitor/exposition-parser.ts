/** A strict reader of the two text formats, written from their specifications and from the rules of `promtool check metrics`. */

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: readonly ParsedSample[];
}

type Format = 'prometheus' | 'openmetrics';
type Draft = { name: string; type?: string; help?: string; unit?: string; samples: ParsedSample[] };

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

function fail(line: string, why: string): never {
  throw new Error(`${why}: ${JSON.stringify(line)}`);
}

/** Reads a whole answer. @throws {Error} naming the line that breaks a rule. */
export function parseExposition(text: string, format: Format): ParsedFamily[] {
  if (!text.endsWith('\n')) fail(text.slice(-20), 'the last line does not end');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') fail(lines.at(-1) ?? '', 'no # EOF at the end');
  const drafts = new Map<string, Draft>();
  let current: Draft | undefined;
  for (const line of lines) {
    if (line === '' || line === '# EOF') fail(line, 'a line that has no place here');
    if (line.startsWith('#')) current = readComment(line, format, drafts, current);
    else {
      if (current === undefined) fail(line, 'a sample without a family');
      current.samples.push(readSample(line));
    }
  }
  return [...drafts.values()].map((draft) => finish(draft, format));
}

function readComment(line: string, format: Format, drafts: Map<string, Draft>, current: Draft | undefined): Draft {
  const [, keyword, name, rest] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/s.exec(line) ?? fail(line, 'an unknown comment');
  if (!NAME.test(name as string)) fail(line, 'a wrong name');
  let draft = current?.name === name ? current : undefined;
  if (draft === undefined) {
    if (drafts.has(name as string)) fail(line, 'a family that comes twice');
    draft = { name: name as string, samples: [] };
    drafts.set(draft.name, draft);
  }
  if (draft.samples.length > 0) fail(line, 'a description after samples');
  if (keyword === 'HELP')
    draft.help = once(line, draft.help, unescapeText(line, rest as string, format === 'openmetrics'));
  else if (keyword === 'TYPE') draft.type = once(line, draft.type, rest as string);
  else {
    if (format !== 'openmetrics') fail(line, 'a unit');
    draft.unit = once(line, draft.unit, rest as string);
  }
  return draft;
}

function once(line: string, before: string | undefined, value: string): string {
  if (before !== undefined) fail(line, 'a description that comes twice');
  return value;
}

function unescapeText(line: string, text: string, hasQuotes: boolean): string {
  return text.replace(/\\(.?)/g, (_all, next: string) => {
    if (next === 'n') return '\n';
    if (next === '\\' || (next === '"' && hasQuotes)) return next;
    return fail(line, 'a wrong escape');
  });
}

function readSample(line: string): ParsedSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? fail(line, 'a sample without a name');
  const labels: Record<string, string> = Object.create(null);
  let at = name.length;
  if (line[at] === '{') {
    at++;
    while (line[at] !== '}') {
      const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/s.exec(line.slice(at)) ?? fail(line, 'wrong labels');
      const [whole, label = '', value = ''] = pair;
      if (!LABEL.test(label) || label in labels) fail(line, 'a wrong label');
      labels[label] = unescapeText(line, value, true);
      at += whole.length;
      if (line[at] === ',') at++;
      else if (line[at] !== '}') fail(line, 'wrong labels');
    }
    at++;
  }
  const [, value = ''] = /^ (\S+)$/.exec(line.slice(at)) ?? fail(line, 'no value, or more than one');
  if (!VALUE.test(value)) fail(line, 'a wrong value');
  return { name, labels, value: toNumber(value) };
}

function toNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function finish(draft: Draft, format: Format): ParsedFamily {
  const { type, help, samples, unit } = draft;
  const isTotal = format === 'prometheus' && type === 'counter';
  if (isTotal && !draft.name.endsWith('_total')) fail(draft.name, 'a counter without _total');
  const name = isTotal ? draft.name.slice(0, -'_total'.length) : draft.name;
  if (type === undefined || !(type in SUFFIXES)) fail(name, 'no type');
  if (help === undefined || help === '') fail(name, 'no help');
  const ends = SUFFIXES[type] as readonly string[];
  const seen = new Set<string>();
  for (const sample of samples) {
    if (!ends.some((end) => sample.name === name + end)) fail(sample.name, `a sample that is not of ${name}`);
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
    if (seen.has(key)) fail(key, 'a sample that comes twice');
    seen.add(key);
    if (type === 'counter' && !(sample.value >= 0)) fail(key, 'a counter below 0');
  }
  if (unit !== undefined && !name.endsWith(`_${unit}`)) fail(name, 'a unit that is not in the name');
  if (type === 'histogram') checkHistograms(name, samples);
  return { name, type, help, unit, samples };
}

function checkHistograms(name: string, samples: readonly ParsedSample[]): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).toSorted());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => toNumber(labels['le'] ?? 'NaN'));
    if (bounds.length < 2 || bounds.at(-1) !== Number.POSITIVE_INFINITY) fail(key, 'no +Inf');
    for (let at = 1; at < buckets.length; at++) {
      if (!((bounds[at] as number) > (bounds[at - 1] as number))) fail(key, 'bounds that do not rise');
      if ((buckets[at]?.value ?? 0) < (buckets[at - 1]?.value ?? 0)) fail(key, 'counts that fall');
    }
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const sum = group.find((sample) => sample.name === `${name}_sum`)?.value;
    if (count === undefined || count !== buckets.at(-1)?.value) fail(key, 'a count that differs from +Inf');
    if (sum === undefined || !(sum >= 0)) fail(key, 'no sum');
  }
}

/** What `promtool check metrics` complains about, beyond the syntax. */
export function lint({ name, type, samples }: ParsedFamily): string[] {
  const problems: string[] = [];
  if (type !== 'counter' && name.endsWith('_total')) problems.push('only counters end in _total');
  if (type !== 'histogram' && /_(count|sum|bucket)$/.test(name)) problems.push('a reserved end');
  if (/_(counter|gauge|histogram|summary)(_|$)/.test(name)) problems.push('the type is in the name');
  if (/:/.test(name)) problems.push('colons are for recording rules');
  if (/[a-z][A-Z]/.test(name)) problems.push('camelCase');
  if (
    /_(s|ms|us|ns|sec|b|kb|mb|gb|milliseconds|microseconds|minutes|hours|percent|kilobytes|megabytes)(_|$)/i.test(name)
  )
    problems.push('not a base unit');
  for (const { labels } of samples)
    for (const label of Object.keys(labels)) {
      if (/[a-z][A-Z]/.test(label)) problems.push(`camelCase label ${label}`);
      if (label === 'quantile' || (label === 'le' && type !== 'histogram')) problems.push(`reserved label ${label}`);
    }
  return problems;
}
