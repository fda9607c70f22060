import { FIELDS_PER_TOOL, type Toolset } from '../servers/toolsets.ts';

const WORDS = ['amber', 'birch', 'copper', 'dusk', 'ember', 'fjord', 'granite', 'harbour', 'indigo', 'juniper', 'kelp'];

function word(index: number): string {
  return WORDS[index % WORDS.length] as string;
}

function words(index: number, count: number): string[] {
  return Array.from({ length: count }, (_, offset) => word(index * 7 + offset * 3));
}

function itemArguments(index: number): Record<string, unknown> {
  return {
    name: `${word(index)} ${word(index * 5 + 1)} ${index}`,
    count: (index * 7_919) % 1_000_001,
    flag: index % 3 === 0,
    tags: words(index, 1 + (index % 4)),
    unit: (['piece', 'box', 'pallet'] as const)[index % 3],
    ...(index % 5 === 0 ? { note: `remark ${word(index + 2)}` } : {}),
  };
}

function wideArguments(index: number): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (let field = 0; field < FIELDS_PER_TOOL; field++) {
    if (field % 7 === 6 && (index + field) % 2 === 0) continue;
    const values = [
      `${word(index + field)} ${index * field}`,
      (index * 7_919 + field) % 1_000_001,
      (index + field) % 3 === 0,
      ['north', 'east', 'south', 'west'][(index + field) % 4],
      words(index + field, 1 + ((index + field) % 3)),
    ];
    args[`field_${field}`] = values[field % values.length];
  }
  return args;
}

/** The arguments of request number `index` to the toolset's called tool; they differ in values and length. */
export function argumentsOf(toolset: Toolset, index: number): Record<string, unknown> {
  return toolset === '53x25' ? wideArguments(index) : itemArguments(index);
}
