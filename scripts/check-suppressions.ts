/**
 * Finds comments and files that would switch off a rule which nobody may switch off. dependency-cruiser knows no
 * disabling comments; Biome does, and it also reads further configuration files in sub-folders.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** The rules of size, naming and output: never disabled in a comment. */
const PROTECTED_RULES = [
  'noExcessiveLinesPerFile',
  'noExcessiveLinesPerFunction',
  'useFilenamingConvention',
  'noConsole',
];
const WORD = ['biome', 'ignore'].join('-');
const SUPPRESSION = new RegExp(`${WORD}([a-z-]*)(?: (format|lint/[a-z0-9]+/(\\w+))(?=:))?`, 'gi');
const TYPE_SUPPRESSION = /@ts-(?:ignore|nocheck)\b/g;

const findings: string[] = [];
const exclude = ['**/node_modules/**', 'dist/**', 'coverage/**'];
for (const path of globSync('**/*.{ts,mts,cts,js,mjs,cjs,json,jsonc}', { exclude }).sort()) {
  const name = basename(path);
  if (/^\.?biome\.jsonc?$/.test(name)) {
    if (path !== 'biome.json') findings.push(`${path}: second-configuration: only the biome.json at the root counts`);
  } else if (!/\.jsonc?$/.test(name)) {
    readFileSync(path, 'utf8')
      .split('\n')
      .forEach((line, index) => {
        for (const fault of faultsOf(line)) findings.push(`${path}:${index + 1}: ${fault}`);
      });
  }
}

function* faultsOf(line: string): Generator<string> {
  for (const [text, range, target, rule] of line.matchAll(SUPPRESSION)) {
    if (range) yield `blanket-suppression: ${text} covers more than one line`;
    else if (!target) yield 'blanket-suppression: name one rule and the reason';
    else if (rule && PROTECTED_RULES.includes(rule)) yield `protected-rule: ${rule} is not disabled in a comment`;
  }
  for (const [text] of line.matchAll(TYPE_SUPPRESSION)) yield `type-suppression: use @ts-expect-error, not ${text}`;
}

for (const finding of findings) console.error(finding);
if (findings.length > 0) process.exitCode = 1;
else console.log('no forbidden suppression');
