import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import type { FixtureServer } from '../api.ts';
import { textResult } from './samples.ts';

/** A JSON Schema with the 2020-12 keywords which a listing must keep. */
const KEYWORDS_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

/** A Standard Schema around a plain JSON Schema, which says what it accepts but leaves the checking to the tool. */
function describedBy(jsonSchema: Record<string, unknown>): StandardSchemaV1<Record<string, unknown>> {
  const standard = {
    version: 1 as const,
    vendor: 'conformance-fixture',
    validate: (value: unknown) => ({ value: value as Record<string, unknown> }),
    jsonSchema: { input: () => jsonSchema, output: () => jsonSchema },
  };
  return { '~standard': standard };
}

/** Tools whose schemas the suite inspects. */
export function registerSchemaTools(server: FixtureServer): void {
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', inputSchema: describedBy(KEYWORDS_SCHEMA) },
    (contact) => textResult(`Received ${Object.keys(contact).length} properties`),
  );

  server.registerTool(
    'test_header_arguments',
    {
      description: 'Takes arguments which travel as headers, too',
      inputSchema: z.object({
        region: z.string().meta({ 'x-mcp-header': 'Region' }),
        priority: z.int().optional().meta({ 'x-mcp-header': 'Priority' }),
        dryRun: z.boolean().optional().meta({ 'x-mcp-header': 'Dry-Run' }),
        note: z.string().optional(),
      }),
    },
    ({ region }) => textResult(`Region ${region}`),
  );
}
