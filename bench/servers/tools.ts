import * as z from 'zod';
import { FIELDS_PER_TOOL, type Toolset } from './toolsets.ts';

export type ToolAnswer = { content: { type: 'text'; text: string }[] };

/** A tool as both the official SDK and Peregrine register it. */
export interface BenchTool {
  readonly name: string;
  readonly config: {
    readonly title: string;
    readonly description: string;
    readonly inputSchema: z.ZodObject;
    readonly annotations: { readonly readOnlyHint: boolean };
  };
  /** Depends on nothing but its arguments, so that answers can be asserted. */
  readonly handler: (args: Record<string, unknown>) => Promise<ToolAnswer>;
}

function tool<Shape extends z.ZodRawShape>(
  name: string,
  title: string,
  description: string,
  shape: Shape,
  text: (args: z.infer<z.ZodObject<Shape>>) => string,
): BenchTool {
  return {
    name,
    config: { title, description, inputSchema: z.object(shape), annotations: { readOnlyHint: true } },
    handler: async (args) => ({ content: [{ type: 'text', text: text(args as z.infer<z.ZodObject<Shape>>) }] }),
  };
}

/** The tool that the call scenarios use with the toolsets `3` and `500`. */
function recordItem(): BenchTool {
  return tool(
    'record_item',
    'Record an item',
    'Records an item and answers with its description',
    {
      name: z.string().min(1).max(80).describe('Name of the item'),
      count: z.number().int().min(0).max(1_000_000).describe('How many there are'),
      flag: z.boolean().describe('Whether to list it'),
      tags: z.array(z.string().min(1).max(40)).max(10).describe('Tags to find it by'),
      unit: z.enum(['piece', 'box', 'pallet']).describe('What is counted'),
      note: z.string().max(200).optional().describe('A remark'),
    },
    ({ name, count, flag, tags, unit, note }) =>
      `${name}: ${count} ${unit}, ${flag ? 'listed' : 'hidden'}, tags ${tags.join(' ')}${note === undefined ? '' : `, ${note}`}`,
  );
}

function threeTools(): BenchTool[] {
  return [
    recordItem(),
    tool(
      'find_item',
      'Find an item',
      'Finds an item by its id',
      {
        id: z.number().int().min(1).describe('Id of the item'),
        verbose: z.boolean().optional().describe('Answer with everything that is known'),
      },
      ({ id, verbose }) => `item ${id}${verbose === true ? ' with everything that is known' : ''}`,
    ),
    tool(
      'sum_values',
      'Sum up values',
      'Adds the values up',
      {
        values: z.array(z.number()).min(1).max(100).describe('The values to add up'),
        label: z.string().min(1).max(40).describe('What they are'),
      },
      ({ values, label }) => `${label}: ${values.reduce((sum, value) => sum + value, 0)}`,
    ),
  ];
}

/** The kind of field number `index`: five kinds in turn, every seventh field optional. */
function wideField(index: number): z.ZodType {
  const kinds: (() => z.ZodType)[] = [
    () => z.string().min(1).max(100).describe(`Text of field ${index}`),
    () => z.number().int().min(0).max(1_000_000).describe(`Amount in field ${index}`),
    () => z.boolean().describe(`Whether field ${index} applies`),
    () => z.enum(['north', 'east', 'south', 'west']).describe(`Direction in field ${index}`),
    () => z.array(z.string().min(1).max(40)).max(10).describe(`Labels of field ${index}`),
  ];
  const field = (kinds[index % kinds.length] as () => z.ZodType)();
  return index % 7 === 6 ? field.optional() : field;
}

function wideTool(number: number): BenchTool {
  const shape: Record<string, z.ZodType> = {};
  for (let index = 0; index < FIELDS_PER_TOOL; index++) shape[`field_${index}`] = wideField(index);
  return tool(
    `wide_tool_${number}`,
    `Wide tool ${number}`,
    `Takes ${FIELDS_PER_TOOL} fields, number ${number}`,
    shape,
    (args) =>
      `tool ${number}: ${args.field_0}, ${args.field_1}, ${String(args.field_2)}, ${args.field_3}, ` +
      `${(args.field_4 as string[]).join(' ')}, ${Object.keys(args).length} fields`,
  );
}

const SENTENCE = 'The quick brown fox jumps over the lazy dog while 42 wizards mix 7 jugs of very old wine; ';
let longText = SENTENCE;

/** Exactly `bytes` bytes of text that starts with `seed`; one flat string to cut from, as a handler's cached text is. */
function textOf(bytes: number, seed: number): string {
  if (longText.length < bytes) longText = Buffer.from(SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length))).toString();
  const start = `${seed} `;
  return start + longText.slice(0, Math.max(0, bytes - start.length));
}

/** Answers with as much text as it is asked for: the counterpart of a long tools/list answer. */
function longAnswer(): BenchTool {
  const shape: Record<string, z.ZodType> = {
    bytes: z.number().int().min(16).max(4_000_000).describe('Length of the text'),
    seed: z.number().int().min(0).describe('Number that the text starts with'),
  };
  for (let index = 2; index < FIELDS_PER_TOOL; index++) shape[`field_${index}`] = wideField(index).optional();
  return tool('long_answer', 'Long answer', 'Answers with a text of the length asked for', shape, ({ bytes, seed }) =>
    textOf(bytes as number, seed as number),
  );
}

/** The tools of a toolset, in the order of their registration; the called ones stand in the middle or at the end. */
export function toolsOf(toolset: Toolset): BenchTool[] {
  if (toolset === '3') return threeTools();
  if (toolset === '53x25') return [...Array.from({ length: 52 }, (_, index) => wideTool(index)), longAnswer()];
  const fillers = Array.from({ length: 497 }, (_, index) => ({ ...recordItem(), name: `other_item_${index}` }));
  return [...fillers.slice(0, 250), ...threeTools(), ...fillers.slice(250)];
}
