import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/kernel/random.ts';
import { exampleOf } from '../../../src/load/example-values.ts';

const accepts = (schema: object, value: unknown): boolean => new Ajv2020({ strict: false }).compile(schema)(value);

/** Schemas as tools have them: primitives with bounds, lists, nested objects, choices. */
const { schema: schemas } = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.record({ type: fc.constant('integer'), minimum: fc.integer({ min: -50, max: 50 }) }),
    fc
      .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 90 }))
      .map(([minimum, span]) => ({ type: 'integer', minimum, maximum: minimum + span })),
    fc.record({ type: fc.constant('integer'), multipleOf: fc.integer({ min: 1, max: 9 }), minimum: fc.constant(0) }),
    fc.constant({ type: 'number', exclusiveMinimum: 0, maximum: 5 }),
    fc.constant({ type: 'boolean' }),
    fc
      .tuple(fc.nat(12), fc.nat(20))
      .map(([minLength, more]) => ({ type: 'string', minLength, maxLength: minLength + more })),
    fc.array(fc.string(), { minLength: 1, maxLength: 4 }).map((choices) => ({ enum: choices })),
    fc.record({ const: fc.jsonValue() }),
    fc
      .tuple(tie('schema'), fc.nat(3))
      .map(([items, minItems]) => ({ type: 'array', items, minItems, maxItems: minItems + 2 })),
    fc.tuple(tie('schema')).map(([other]) => ({ anyOf: [{ type: 'null' }, other] })),
    fc
      .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('schema'), { maxKeys: 4 })
      .map((properties) => ({ type: 'object', properties, required: Object.keys(properties).slice(0, 2) })),
  ),
}));

describe('exampleOf', () => {
  it('makes what the schema accepts', () => {
    fc.assert(
      fc.property(schemas, fc.integer(), (schema, seed) => {
        expect(accepts(schema, exampleOf(schema, seededRandom(seed)))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('follows references, prefers defaults and examples, and writes formats', () => {
    const schema = {
      type: 'object',
      required: ['id', 'when', 'mail', 'unit', 'note'],
      properties: {
        id: { $ref: '#/$defs/id~1x' },
        when: { type: 'string', format: 'date-time' },
        mail: { type: 'string', format: 'email' },
        unit: { type: 'string', default: 'kg' },
        note: { type: 'string', examples: ['as given'] },
      },
      $defs: { 'id/x': { type: 'string', format: 'uuid' } },
    };
    expect(exampleOf(schema, seededRandom(7))).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/),
      when: expect.stringMatching(/^2026-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      mail: expect.stringMatching(/^[a-z]+@example\.com$/),
      unit: 'kg',
      note: 'as given',
    });
  });

  it('ends for a schema that contains itself', () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, required: [] } },
    };
    for (let seed = 0; seed < 50; seed++) expect(typeof exampleOf(tree, seededRandom(seed))).toBe('object');
  });
});
