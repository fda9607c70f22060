import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Contender {
  readonly name: string;
  /** It answers every request with the same bytes, so that only their length is asserted. */
  readonly fixed: boolean;
  /** Packages whose versions are recorded. */
  readonly packages: readonly string[];
}

/** Every contender of every suite, by name; its script is `servers/<name>.ts`. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'plain-http', fixed: true, packages: [] },
  { name: 'lane-fixed', fixed: true, packages: [] },
  { name: 'peregrine', fixed: false, packages: ['zod'] },
  { name: 'peregrine-node-http', fixed: false, packages: ['zod'] },
  { name: 'peregrine-cached', fixed: false, packages: ['zod'] },
  { name: 'peregrine-silent', fixed: false, packages: ['zod'] },
  { name: 'peregrine-monitored', fixed: false, packages: ['zod'] },
  { name: 'peregrine-scraped', fixed: false, packages: ['zod'] },
  { name: 'peregrine-watched', fixed: false, packages: ['zod'] },
  { name: 'gateway-nginx', fixed: true, packages: [] },
  { name: 'gateway-lane', fixed: true, packages: [] },
  { name: 'gateway-peregrine', fixed: true, packages: [] },
  { name: 'gateway-undici', fixed: true, packages: ['undici'] },
  { name: 'sdk-v2', fixed: false, packages: ['@modelcontextprotocol/server', '@modelcontextprotocol/node', 'zod'] },
];

export function scriptOf(name: string): string {
  return fileURLToPath(new URL(`../servers/${name}.ts`, import.meta.url));
}

/** @throws {RangeError} Unknown contender, or one without a script. */
export function contenderOf(name: string): Contender {
  const contender = CONTENDERS.find((candidate) => candidate.name === name);
  if (contender === undefined) {
    throw new RangeError(
      `contender ${JSON.stringify(name)}: one of ${CONTENDERS.map((known) => known.name).join(', ')}`,
    );
  }
  if (!existsSync(scriptOf(name))) throw new RangeError(`contender ${name}: bench/servers/${name}.ts does not exist`);
  return contender;
}

/** The version in a package's own package.json, found by way of its main file. */
export function packageVersion(name: string): string {
  const { paths } = createRequire(import.meta.url).resolve as unknown as {
    paths: (request: string) => string[] | null;
  };
  for (const folder of paths(name) ?? []) {
    const file = `${folder}/${name}/package.json`;
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}
