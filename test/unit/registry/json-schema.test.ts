import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { compileSchema } from '../../../src/registry/schema.ts';
import { callTool, modern } from '../support/http.ts';
import { entriesOf, textOf } from '../support/messages.ts';
import { serverWith, text } from '../support/test-server.ts';

interface Validator {
  compile(schema: object): (value: unknown) => boolean;
}
const Ajv2020 = (createRequire(import.meta.url)('ajv/dist/2020') as { default: new (options: object) => Validator })
  .default;
const DRAFT_7 = 'http://json-schema.org/draft-07/schema#';
const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';

function accepts(schema: object, value: unknown): boolean {
  const checked = compileSchema('schema', schema, 'input').check(value);
  if (checked instanceof Promise) throw new Error('a JSON Schema is checked at once');
  return checked.ok;
}

describe('a JSON Schema as it is', () => {
  it.each([
    ['no dialect', {}],
    ['draft 2020-12', { $schema: DRAFT_2020 }],
  ])('is of draft 2020-12: %s', (_what, dialect) => {
    const schema = {
      ...dialect,
      type: 'object',
      properties: { pair: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }], items: false } },
      dependentRequired: { pair: ['note'] },
      unevaluatedProperties: false,
      allOf: [{ properties: { note: { $ref: '#/$defs/note' } } }],
      $defs: { note: { type: 'string' } },
    };
    expect(accepts(schema, { pair: [1, 'a'], note: 'n' })).toBe(true);
    expect(accepts(schema, { pair: ['a', 1], note: 'n' })).toBe(false);
    expect(accepts(schema, { pair: [1, 'a', 2], note: 'n' })).toBe(false);
    expect(accepts(schema, { pair: [1, 'a'] })).toBe(false);
    expect(accepts(schema, { other: 1 })).toBe(false);
    expect(accepts(schema, { note: 5 })).toBe(false);
  });

  it.each([DRAFT_7, DRAFT_7.slice(0, -1), 'https://json-schema.org/draft-07/schema'])(
    'is of draft 7 under %s',
    ($schema) => {
      const schema = {
        $schema,
        type: 'object',
        properties: {
          pair: { type: 'array', items: [{ type: 'number' }, { $ref: '#/definitions/word' }], additionalItems: false },
        },
        dependencies: { pair: ['note'] },
        definitions: { word: { type: 'string' } },
      };
      expect(accepts(schema, { pair: [1, 'a'], note: 1 })).toBe(true);
      expect(accepts(schema, { pair: [1, 2], note: 1 })).toBe(false);
      expect(accepts(schema, { pair: [1, 'a', 3], note: 1 })).toBe(false);
      expect(accepts(schema, { pair: [1, 'a'] })).toBe(false);
    },
  );

  it('is listed exactly as it was given', async () => {
    const inputSchema = {
      $schema: DRAFT_7,
      type: 'object',
      properties: { a: { $ref: '#/definitions/a' } },
      definitions: { a: {} },
      'x-own': 1,
    };
    const server = serverWith((each) => each.registerTool('t', { inputSchema }, () => text('')));
    expect((await modern(server, 'tools/list')).result?.tools).toEqual([{ name: 't', inputSchema }]);
  });

  it('hands arguments on as they came', async () => {
    const inputSchema = { type: 'object', properties: { n: { type: 'number', default: 5 } } };
    const server = serverWith((each) => each.registerTool('t', { inputSchema }, (args) => text(JSON.stringify(args))));
    expect(textOf(await callTool(server, 't', { extra: [1] }))).toBe('{"extra":[1]}');
    expect(textOf(await callTool(server, 't'))).toBe('{}');
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])('looks at own members alone: %s', (name) => {
    expect(accepts({ type: 'object', properties: { [name]: { type: 'string' } } }, {})).toBe(true);
    expect(accepts({ type: 'object', required: [name] }, {})).toBe(false);
    expect(accepts({ type: 'object', required: [name] }, { [name]: 1 })).toBe(true);
    expect(accepts({ type: 'object', properties: { [name]: { type: 'string' } } }, { [name]: 5 })).toBe(false);
  });

  it('says where and what is wrong', async () => {
    const inputSchema = {
      type: 'object',
      properties: { a: { items: { type: 'number' } } },
      additionalProperties: false,
    };
    const server = serverWith((each) => each.registerTool('t', { inputSchema }, () => text('')));
    expect(textOf(await callTool(server, 't', { a: [1, 'x'] }))).toBe(
      'Invalid arguments for tool t: a.1: must be number',
    );
    expect(textOf(await callTool(server, 't', { b: 1 }))).toMatch(/must NOT have additional properties: "b"$/);
  });

  it('may have the same $id in two tools', () => {
    const server = serverWith();
    for (const name of ['one', 'two']) {
      server.registerTool(name, { inputSchema: { $id: 'https://example.com/s', type: 'object' } }, () => text(''));
    }
  });

  it.each([
    ['a type that does not exist', { type: 'strnig' }],
    ['a bound of the wrong type', { type: 'object', minProperties: 'x' }],
    ['a pattern that is none', { type: 'object', properties: { a: { pattern: '(' } } }],
    ['a reference to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/none' } } }],
    ['a dialect that is not known', { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' }],
    ['required that is no list', { type: 'object', required: true }],
  ])('that is not valid fails at registration, naming the tool: %s', (_what, inputSchema) => {
    const server = serverWith();
    expect(() => server.registerTool('broken', { inputSchema }, () => text(''))).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('tool "broken" inputSchema'),
      }),
    );
    expect(() => server.registerTool('broken', { outputSchema: inputSchema }, () => text(''))).toThrow(
      expect.objectContaining({ message: expect.stringContaining('tool "broken" outputSchema') }),
    );
  });

  it('never has a remote $ref fetched: it fails at registration', async () => {
    const listener = vi.fn((_request, response) => response.end('{}'));
    const remote = createServer(listener).listen(0, '127.0.0.1');
    await once(remote, 'listening');
    const fetched = vi.spyOn(globalThis, 'fetch');
    const { port } = remote.address() as AddressInfo;
    const server = serverWith();
    for (const $ref of [
      `http://127.0.0.1:${port}/s.json`,
      `http://127.0.0.1:${port}/s.json#/a`,
      'https://example.com/s',
    ]) {
      for (const $schema of [DRAFT_7, DRAFT_2020]) {
        const inputSchema = { $schema, type: 'object', properties: { a: { $ref } } };
        expect(() => server.registerTool('remote', { inputSchema }, () => text(''))).toThrow(
          /tool "remote" inputSchema/,
        );
      }
    }
    expect(fetched).not.toHaveBeenCalled();
    expect(listener).not.toHaveBeenCalled();
    fetched.mockRestore();
    remote.close();
    await once(remote, 'close');
  });

  it.each([[true], [false], [null], [5], ['x'], [[]]])('cannot be %o', (inputSchema) => {
    expect(() => serverWith((each) => each.registerTool('t', { inputSchema } as object, () => text('')))).toThrow(
      expect.objectContaining({ option: 'tool "t" inputSchema' }),
    );
  });
});

describe('the root of an input schema', () => {
  const listed = async (inputSchema: Record<string, unknown>): Promise<unknown> => {
    const server = serverWith((each) => each.registerTool('t', { inputSchema }, () => text('')));
    return entriesOf(await modern(server, 'tools/list'), 'tools')[0]?.inputSchema;
  };

  it('is said to be an object where the schema does not say it', async () => {
    expect(await listed({ properties: { a: {} } })).toEqual({ type: 'object', properties: { a: {} } });
    expect(await listed({ anyOf: [{ required: ['a'] }] })).toEqual({ type: 'object', anyOf: [{ required: ['a'] }] });
  });

  it.each([['array'], ['string'], [['object', 'null']], ['null']])('cannot be of type %o', (type) => {
    expect(() => serverWith((each) => each.registerTool('t', { inputSchema: { type } }, () => text('')))).toThrow(
      expect.objectContaining({ option: 'tool "t" inputSchema' }),
    );
    expect(() =>
      serverWith((each) => each.registerTool('t', { inputSchema: z.array(z.string()) }, () => text(''))),
    ).toThrow(expect.objectContaining({ option: 'tool "t" inputSchema' }));
  });

  it('of a tool without arguments is an object, too', async () => {
    const server = serverWith((each) => each.registerTool('t', {}, () => text('')));
    expect((await modern(server, 'tools/list')).result?.tools).toEqual([
      { name: 't', inputSchema: { type: 'object' } },
    ]);
  });

  it('may describe anything for an output', async () => {
    for (const outputSchema of [z.array(z.number()), z.string(), { type: 'null' }, z.union([z.string(), z.number()])]) {
      expect(() => serverWith((each) => each.registerTool('t', { outputSchema }, () => ({})))).not.toThrow();
    }
  });
});

describe('the JSON Schema of a plain object of field schemas', () => {
  interface Node {
    value: number;
    kids: Node[];
  }
  const node: z.ZodType<Node> = z.object({
    value: z.number(),
    get kids() {
      return z.array(node);
    },
  });
  const address = z.object({ street: z.string() }).meta({ id: 'Address' });
  const fields = {
    'a/b~c': z.object({ home: address, work: address.optional() }),
    tree: node,
    plain: z.string().optional(),
  };

  it('accepts what one schema of the whole object accepts, references included', () => {
    const shape = new Ajv2020({ strict: false }).compile(compileSchema('s', fields, 'input').json);
    const whole = new Ajv2020({ strict: false }).compile(compileSchema('s', z.object(fields), 'input').json);
    const number = fc.oneof({ weight: 9, arbitrary: fc.integer() }, { weight: 1, arbitrary: fc.constant('x') });
    const leaf = fc.record({ value: number, kids: fc.constant([]) });
    const branch = fc.record({ value: number, kids: fc.array(leaf, { maxLength: 2 }) });
    const tree = fc.record({ value: number, kids: fc.array(fc.oneof(leaf, branch), { maxLength: 2 }) });
    const home = fc.record({ street: fc.oneof(fc.string(), fc.integer()) });
    const value = fc.record(
      { 'a/b~c': fc.record({ home, work: home }, { requiredKeys: ['home'] }), tree, plain: fc.string() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(value, (given) => {
        expect(shape(given)).toBe(whole(given));
      }),
    );
  });

  it('moves references, and no text or value that looks like one', () => {
    const field = z.object({ a: z.string().describe('#'), b: z.literal('#/x'), c: z.string().default('#/y') });
    expect(compileSchema('s', { field }, 'input').json).toMatchObject({
      properties: { field: { properties: { a: { description: '#' }, b: { const: '#/x' }, c: { default: '#/y' } } } },
    });
  });

  it('moves references under members that are called like keywords', () => {
    const item = z.object({ n: z.number() }).meta({ id: 'Item' });
    const field = z.object({ default: item, enum: item, $ref: item, examples: z.array(item) });
    const check = new Ajv2020({ strict: false }).compile(compileSchema('s', { field }, 'input').json);
    const good = { n: 1 };
    expect(check({ field: { default: good, enum: good, $ref: good, examples: [good] } })).toBe(true);
    for (const wrong of [{ default: {} }, { enum: {} }, { $ref: {} }, { examples: [{}] }]) {
      expect(check({ field: { default: good, enum: good, $ref: good, examples: [good], ...wrong } })).toBe(false);
    }
  });
});
