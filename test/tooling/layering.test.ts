import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, SourceTree } from './source-tree.ts';

type Files = Readonly<Record<string, string>>;

const table = JSON.parse(readFileSync(join(ROOT, 'layers.json'), 'utf8')) as { layers: Record<string, string[]> };
const folders = Object.keys(table.layers);

/** Every folder with its contract file, one import of each kind that is allowed, and nothing else. */
const CLEAN: Files = {
  'src/kernel/clock.ts': 'export const now = (): number => 0;\n',
  'src/wire/json.ts': 'export const parse = JSON.parse;\n',
  'src/wire/wire.ts': "export { parse } from './json.ts';\n",
  'src/cache/cache.ts': "import { now } from '../kernel/clock.ts';\n\nexport const startedAt = now();\n",
  'src/limit/limit.ts': 'export const limit = 1;\n',
  'src/transport/http/lane.ts': "import { createServer } from 'node:net';\n\nexport const lane = createServer;\n",
  'src/transport/transport.ts': "export { lane } from './http/lane.ts';\n",
  'src/registry/adapter/ajv.ts':
    "import { Ajv2020 } from 'ajv/dist/2020.js';\n\nexport const compiler = new Ajv2020();\n",
  'src/registry/registry.ts':
    "import type { StandardSchemaV1 } from '@standard-schema/spec';\nimport { parse } from '../wire/wire.ts';\nimport { compiler } from './adapter/ajv.ts';\n\nexport const define = (schema: StandardSchemaV1): unknown => [schema, parse, compiler];\n",
  'src/server.ts': "import { define } from './registry/registry.ts';\n\nexport const server = define;\n",
  'src/index.ts': "export { now } from './kernel/clock.ts';\nexport { server } from './server.ts';\n",
  'src/cli/main.ts': "import { server } from '../index.ts';\n\nconsole.log(server);\n",
};

const lines = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => `${text(index)}\n`).join('');
const functionOf = (bodyLines: number): string =>
  `export function long(): number[] {\n  const all: number[] = [];\n${lines(bodyLines - 2, () => '  all.push(1);')}  return all;\n}\n`;

/** What breaks a rule of layering: the rule, what is wrong, the files, and the edge that has to be reported. */
const LAYERING: readonly (readonly [rule: string, fault: string, files: Files, edge: string])[] = [
  [
    'layer-cache',
    'a folder that the table does not allow',
    { 'src/cache/cache.ts': "import { limit } from '../limit/limit.ts';\n\nexport const cache = limit;\n" },
    'src/cache/cache.ts → src/limit/limit.ts',
  ],
  [
    'layer-cache',
    'a type of such a folder',
    { 'src/cache/cache.ts': "import type { limit } from '../limit/limit.ts';\n\nexport type Cache = typeof limit;\n" },
    'src/cache/cache.ts → src/limit/limit.ts',
  ],
  [
    'layer-cache',
    'a type import inside an expression of types',
    { 'src/cache/cache.ts': "export type Cache = Array<import('../limit/limit.ts').Limit | undefined>;\n" },
    'src/cache/cache.ts → src/limit/limit.ts',
  ],
  [
    'layer-cache',
    'a dynamic import of such a folder',
    { 'src/cache/store/file.ts': "export const load = () => import('../../limit/limit.ts');\n" },
    'src/cache/store/file.ts → src/limit/limit.ts',
  ],
  [
    'layer-kernel',
    'the kernel importing anything',
    {
      'src/kernel/clock.ts': "import { limit } from '../limit/limit.ts';\n\nexport const now = (): number => limit;\n",
    },
    'src/kernel/clock.ts → src/limit/limit.ts',
  ],
  [
    'entry-wire',
    'a folder entered beside its contract file',
    { 'src/dispatch/dispatch.ts': "import { parse } from '../wire/json.ts';\n\nexport const dispatch = parse;\n" },
    'src/dispatch/dispatch.ts → src/wire/json.ts',
  ],
  [
    'entry-transport',
    'a sub-folder entered from outside',
    { 'src/server.ts': "import { lane } from './transport/http/lane.ts';\n\nexport const server = lane;\n" },
    'src/server.ts → src/transport/http/lane.ts',
  ],
  [
    'npm-only-in-adapter',
    'an npm package outside an adapter folder',
    { 'src/cache/cache.ts': "import { Ajv } from 'ajv';\n\nexport const cache = Ajv;\n" },
    'src/cache/cache.ts → ',
  ],
  [
    'npm-only-in-adapter-registry',
    'another npm package in a folder that has an exception',
    { 'src/registry/registry.ts': "import { Ajv } from 'ajv';\n\nexport const define = Ajv;\n" },
    'src/registry/registry.ts → ',
  ],
  [
    'types-only-registry',
    'a value of a package that is allowed for its types',
    {
      'src/registry/registry.ts':
        "import { StandardSchemaV1 } from '@standard-schema/spec';\n\nexport const define = StandardSchemaV1;\n",
    },
    'src/registry/registry.ts → ',
  ],
  [
    'declared-for-users',
    'a dev dependency in an adapter',
    { 'src/cache/adapter/zod.ts': "import * as z from 'zod';\n\nexport const schema = z.string();\n" },
    'src/cache/adapter/zod.ts → ',
  ],
  [
    'pure-wire',
    'a node: module in wire/',
    { 'src/wire/wire.ts': "import { Buffer } from 'node:buffer';\n\nexport const wire = Buffer;\n" },
    'src/wire/wire.ts → buffer',
  ],
  [
    'pure-wire',
    'an npm package in an adapter of wire/',
    { 'src/wire/adapter/ajv.ts': "import { Ajv } from 'ajv';\n\nexport const wire = Ajv;\n" },
    'src/wire/adapter/ajv.ts → ',
  ],
  [
    'no-cycle',
    'a cycle',
    {
      'src/limit/limit.ts': "import { gate } from './gate.ts';\n\nexport const limit = () => gate;\n",
      'src/limit/gate.ts': "import { limit } from './limit.ts';\n\nexport const gate = () => limit;\n",
    },
    'src/limit/gate.ts → ',
  ],
  [
    'no-cycle',
    'a cycle of type imports',
    {
      'src/limit/limit.ts': "import type { Gate } from './gate.ts';\n\nexport interface Limit {\n  gate: Gate;\n}\n",
      'src/limit/gate.ts': "import type { Limit } from './limit.ts';\n\nexport interface Gate {\n  limit: Limit;\n}\n",
    },
    'src/limit/gate.ts → ',
  ],
  [
    'no-import-of-cli',
    'an import of the command line',
    { 'src/server.ts': "import './cli/main.ts';\n" },
    'src/server.ts → src/cli/main.ts',
  ],
  [
    'layer-server',
    'an import of testing/ by the server',
    {
      'src/testing/testing.ts': 'export const fake = 1;\n',
      'src/server.ts': "import { fake } from './testing/testing.ts';\n\nexport const server = fake;\n",
    },
    'src/server.ts → src/testing/testing.ts',
  ],
  [
    'known-folder',
    'a folder that the table does not name',
    { 'src/util/util.ts': "import { now } from '../kernel/clock.ts';\n\nexport const util = now;\n" },
    'src/util/util.ts → src/kernel/clock.ts',
  ],
  [
    'no-barrel',
    'a file that is no contract file and re-exports',
    { 'src/limit/all.ts': "export { limit } from './limit.ts';\n" },
    'src/limit/all.ts → src/limit/limit.ts',
  ],
  [
    'no-unresolvable',
    'an import that leads nowhere',
    { 'src/limit/limit.ts': "import { gone } from './gone.ts';\n\nexport const limit = gone;\n" },
    'src/limit/limit.ts → ./gone.ts',
  ],
  [
    'inside-src',
    'an import from the tests',
    {
      'test/fake.ts': 'export const fake = 1;\n',
      'src/limit/limit.ts': "import { fake } from '../../test/fake.ts';\n\nexport const limit = fake;\n",
    },
    'src/limit/limit.ts → test/fake.ts',
  ],
  [
    'inside-src',
    'an import of the package by its own name',
    {
      'dist/index.js': 'export const server = 1;\n',
      'dist/index.d.ts': 'export declare const server = 1;\n',
      'src/limit/limit.ts': "import { server } from 'peregrine-mcp';\n\nexport const limit = server;\n",
    },
    'src/limit/limit.ts → dist/index',
  ],
  [
    'examples-as-users',
    'an example that does not import the package by its name',
    { 'examples/one/main.ts': "import { server } from '../../src/index.ts';\n\nserver;\n" },
    'examples/one/main.ts → src/index.ts',
  ],
];

/** What breaks a rule of style.md: the linter's rule, what is wrong, and the file. */
const STYLE: readonly (readonly [rule: string, fault: string, path: string, text: string])[] = [
  [
    'noExcessiveLinesPerFile',
    'a file of 401 lines',
    'src/cache/long.ts',
    lines(401, (n) => `export const value${n} = ${n};`),
  ],
  [
    'noExcessiveLinesPerFile',
    'a test of 401 lines',
    'test/unit/long.test.ts',
    lines(401, (n) => `export const value${n} = ${n};`),
  ],
  ['noExcessiveLinesPerFunction', 'a function of 61 lines', 'src/cache/long.ts', functionOf(61)],
  ['useFilenamingConvention', 'a name in camel case', 'src/cache/memoryStore.ts', 'export const store = 1;\n'],
  ['useFilenamingConvention', 'a name in snake case', 'src/cache/memory_store.ts', 'export const store = 1;\n'],
  ['noConsole', 'console outside cli/', 'src/cache/store.ts', "console.log('stored');\n"],
];

/** What would switch a rule off: the finding, what is wrong, and the file. A word is split, lest this file be found. */
const IGNORE = ['biome', 'ignore'].join('-');
const SUPPRESSIONS: readonly (readonly [finding: string, fault: string, path: string, text: string])[] = [
  [
    'protected-rule',
    'a comment against the limit of a function',
    'src/a.ts',
    `// ${IGNORE} lint/complexity/noExcessiveLinesPerFunction: long\n`,
  ],
  [
    'protected-rule',
    'a comment against a name',
    'test/aB.ts',
    `/* ${IGNORE} lint/style/useFilenamingConvention: so */\n`,
  ],
  ['blanket-suppression', 'a comment against all rules', 'src/a.ts', `// ${IGNORE} lint: all of it\n`],
  ['blanket-suppression', 'a comment against a group', 'src/a.ts', `// ${IGNORE} lint/style: all of it\n`],
  [
    'blanket-suppression',
    'a comment for the file',
    'src/a.ts',
    `// ${IGNORE}-all lint/suspicious/noExplicitAny: all\n`,
  ],
  [
    'blanket-suppression',
    'a comment for a range',
    'src/a.ts',
    `// ${IGNORE}-start lint/suspicious/noExplicitAny: all\n`,
  ],
  ['type-suppression', 'a file without types', 'src/a.ts', `// @ts-${'nocheck'}\n`],
  ['second-configuration', 'a configuration in a folder', 'src/cache/biome.json', '{ "root": false }\n'],
];

describe('a clean tree', () => {
  it('passes', () => {
    using tree = new SourceTree(CLEAN);
    const { passed, output } = tree.check('lint', 'layers', 'suppressions');
    expect(output).toContain('no dependency violations found');
    expect(passed, output).toBe(true);
  });

  it('may have a file of 400 lines, a function of 60, a longer one in a test, and a named suppression', () => {
    using tree = new SourceTree({
      'src/cache/long.ts': lines(400, (n) => `export const value${n} = ${n};`),
      'src/cache/longest.ts': functionOf(60),
      'test/unit/longest.ts': functionOf(200),
      'src/cache/any.ts': `// ${IGNORE} lint/suspicious/noExplicitAny: tried here\nexport const any = (value: any): unknown => value;\n`,
    });
    const { passed, output } = tree.check('lint', 'suppressions');
    expect(passed, output).toBe(true);
  });
});

describe('layering', () => {
  it.each(LAYERING)('reports %s: %s', (rule, _fault, files, edge) => {
    using tree = new SourceTree({ ...CLEAN, ...files });
    const { passed, output } = tree.check('layers');
    expect(output).toContain(`error ${rule}: ${edge}`);
    expect(passed).toBe(false);
  });

  it('allows between folders exactly what the table allows', () => {
    const files = folders.flatMap((from) => {
      const others = folders.filter((to) => to !== from);
      return [
        [`src/${from}/${from}.ts`, `export const ${from} = 1;\n`],
        [`src/${from}/all.ts`, lines(others.length, (n) => `import '../${others[n]}/${others[n]}.ts';`)],
      ];
    });
    using tree = new SourceTree(Object.fromEntries(files));
    const { output } = tree.check('layers');
    const reported = [...output.matchAll(/error layer-(\w+): src\/\1\/all\.ts → src\/(\w+)\//g)].map(([, ...edge]) =>
      edge.join(' → '),
    );
    const forbidden = folders.flatMap((from) =>
      folders.filter((to) => to !== from && !table.layers[from]!.includes(to)).map((to) => `${from} → ${to}`),
    );
    expect(reported.sort()).toEqual(forbidden.sort());
  });
});

describe('style', () => {
  it.each(STYLE)('reports %s: %s', (rule, _fault, path, text) => {
    using tree = new SourceTree({ ...CLEAN, [path]: text });
    const { passed, output } = tree.check('lint');
    expect(output).toMatch(new RegExp(`${path}.* lint/\\w+/${rule} `));
    expect(passed).toBe(false);
  });
});

describe('suppressions', () => {
  it.each(SUPPRESSIONS)('reports %s: %s', (finding, _fault, path, text) => {
    using tree = new SourceTree({ [path]: text });
    const { passed, output } = tree.check('suppressions');
    expect(output).toMatch(new RegExp(`${path}.* ${finding}: `));
    expect(passed).toBe(false);
  });
});
