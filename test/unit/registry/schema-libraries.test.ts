import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { type Checked, compileSchema } from '../../../src/registry/schema.ts';
import { callTool, modern } from '../support/http.ts';
import { textOf } from '../support/messages.ts';
import { serverWith, settle, text } from '../support/test-server.ts';

/** What a library without JSON Schema of its own is wrapped in: its converter's work. */
function converted<S extends StandardSchemaV1>(schema: S, json: Record<string, unknown>): S {
  const jsonSchema = { input: () => json, output: () => json };
  return { ...schema, '~standard': { ...schema['~standard'], jsonSchema } };
}

const WANTED = { type: 'object', properties: { id: { type: 'number' } }, required: ['id'] };
const LIBRARIES: readonly (readonly [string, StandardSchemaV1])[] = [
  ['zod', z.object({ id: z.number() })],
  ['zod mini', z.strictObject({ id: z.number() })],
  ['arktype', type({ id: 'number' })],
  ['valibot with a converter', converted(v.object({ id: v.number() }), WANTED)],
];

async function check(schema: unknown, value: unknown): Promise<Checked> {
  return await compileSchema('schema', schema, 'input').check(value);
}

describe('a schema of a Standard Schema library', () => {
  it.each(LIBRARIES)('tells its JSON Schema and checks arguments: %s', async (_library, schema) => {
    const server = serverWith((each) =>
      each.registerTool('find', { inputSchema: schema }, (args) => text(JSON.stringify(args))),
    );
    const { result } = await modern(server, 'tools/list');
    expect(result?.tools).toEqual([{ name: 'find', inputSchema: expect.objectContaining(WANTED) }]);
    expect(textOf(await callTool(server, 'find', { id: 7 }))).toBe('{"id":7}');
    const refused = await callTool(server, 'find', { id: 'x' });
    expect(refused).toMatchObject({ status: 200, result: { isError: true } });
    expect(textOf(refused)).toMatch(/^Invalid arguments for tool find: .*id/);
    expect((await callTool(server, 'find')).result).toMatchObject({ isError: true });
  });

  it('that cannot tell its JSON Schema fails at registration, naming the tool, the library and what to do', () => {
    const server = serverWith();
    expect(() => server.registerTool('find', { inputSchema: v.object({ id: v.number() }) }, () => text(''))).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        option: 'tool "find" inputSchema',
        message: expect.stringMatching(/valibot.*converter/),
      }),
    );
  });

  it('that JSON Schema cannot express fails at registration, naming the tool', () => {
    const server = serverWith();
    const inputSchema = z.object({ when: z.date() });
    expect(() => server.registerTool('find', { inputSchema }, () => text(''))).toThrow(
      expect.objectContaining({ option: 'tool "find" inputSchema' }),
    );
    const shape = { ok: z.string(), when: z.date() };
    expect(() => server.registerTool('find', { inputSchema: shape }, () => text(''))).toThrow(
      expect.objectContaining({ option: 'tool "find" inputSchema.when' }),
    );
  });

  it('hands on what the library returns: defaults, conversions and unknown members taken away', async () => {
    const schema = z.object({ size: z.number().default(10), name: z.string().transform((name) => name.trim()) });
    expect(await check(schema, { name: ' a ', other: 1 })).toEqual({ ok: true, value: { size: 10, name: 'a' } });
  });

  it('may check asynchronously', async () => {
    const schema = z.object({ id: z.string().refine(async (id) => id === 'known', 'is not known') });
    expect(await check(schema, { id: 'known' })).toEqual({ ok: true, value: { id: 'known' } });
    expect(await check(schema, { id: 'x' })).toEqual({ ok: false, issues: 'id: is not known' });
  });

  it('joins several issues, each with its path', async () => {
    const schema = z.object({ a: z.object({ b: z.array(z.string()) }), c: z.number() });
    const checked = await check(schema, { a: { b: ['x', 1] }, c: 'y' });
    expect(checked).toMatchObject({ ok: false, issues: expect.stringMatching(/^a\.b\.1: .*; c: /) });
  });

  it('that throws while it checks fails that call alone', async () => {
    const schema = converted(
      {
        '~standard': {
          version: 1,
          vendor: 'own',
          validate: () => {
            throw new TypeError('inner secret');
          },
        },
      },
      { type: 'object' },
    );
    const server = serverWith((each) => {
      each.registerTool('bad', { inputSchema: schema as StandardSchemaV1 }, () => text(''));
      each.registerTool('good', {}, () => text('fine'));
    });
    const { error, text: body } = await callTool(server, 'bad', {});
    expect(error?.code).toBe(-32603);
    expect(body).not.toContain('inner secret');
    expect(textOf(await callTool(server, 'good'))).toBe('fine');
  });
});

describe('a plain object of field schemas', () => {
  it('lists the fields, those that may be absent not as required', () => {
    const shape = { id: z.number(), tag: z.string().optional(), size: z.number().default(1) };
    expect(compileSchema('s', shape, 'input').json).toEqual({
      type: 'object',
      properties: {
        id: { type: 'number' },
        tag: { type: 'string' },
        size: expect.objectContaining({ type: 'number' }),
      },
      required: ['id'],
    });
  });

  it('may mix libraries', async () => {
    const shape = { a: z.string(), b: type('number') };
    expect(await check(shape, { a: 'x', b: 1, c: 2 })).toEqual({ ok: true, value: { a: 'x', b: 1 } });
    expect(await check(shape, { a: 1, b: 'x' })).toMatchObject({
      ok: false,
      issues: expect.stringMatching(/^a: .*; b: /),
    });
  });

  it.each([[undefined], [null], [5], ['x'], [[]]])('refuses %o as arguments', async (value) => {
    expect(await check({ a: z.string().optional() }, value)).toMatchObject({ ok: false });
  });

  it('may be empty: then all members are dropped', async () => {
    expect(await check({}, { a: 1 })).toEqual({ ok: true, value: {} });
  });

  it('may check asynchronously, field by field', async () => {
    const shape = { a: z.string().refine(async (text) => text !== 'bad', 'is bad'), b: z.number() };
    expect(await check(shape, { a: 'x', b: 1 })).toEqual({ ok: true, value: { a: 'x', b: 1 } });
    expect(await check(shape, { a: 'bad', b: 1 })).toEqual({ ok: false, issues: 'a: is bad' });
  });

  it.each(['toString', 'constructor', 'valueOf', '__proto__', 'hasOwnProperty'])(
    'reads own members alone: %s',
    async (name) => {
      const shape = Object.fromEntries([[name, z.string().optional()]]);
      expect(await check(shape, {})).toEqual({ ok: true, value: {} });
      const given = JSON.parse(`{${JSON.stringify(name)}:"own"}`) as object;
      const checked = await check(shape, given);
      expect(checked.ok && Object.entries(checked.value as object)).toEqual([[name, 'own']]);
      expect(checked.ok && Object.getPrototypeOf(checked.value)).toBe(Object.prototype);
    },
  );

  it('survives fields that fail on nothing at all, at registration and after', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const fails = converted(
      {
        '~standard': {
          version: 1,
          vendor: 'own',
          validate: () => {
            throw new Error('no');
          },
        },
      } as StandardSchemaV1,
      {},
    );
    const shape = { a: z.any().transform((value: string) => value.trim()), b: fails };
    expect(compileSchema('s', shape, 'input').json.properties).toHaveProperty('a');
    await settle();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
