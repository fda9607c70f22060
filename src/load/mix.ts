import type { Random } from '../kernel/random.ts';

/** One kind of request, and how often it is made among all. */
export interface MixPart {
  /** A tool's name, or a method such as `tools/list`. */
  readonly name: string;
  readonly weight: number;
}

/** Methods that can be part of a mix by themselves. */
export const MIX_METHODS: readonly string[] = Object.freeze([
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'server/discover',
  'ping',
]);

/**
 * Reads a mix such as `search=8,tools/list=1`.
 *
 * @throws {RangeError} with what is wrong with it.
 */
export function parseMix(text: string): readonly MixPart[] {
  const parts = text.split(',').map((part) => {
    const [, name, weight] = /^\s*([^=\s][^=]*?)\s*(?:=\s*(\d+(?:\.\d+)?)\s*)?$/.exec(part) ?? [];
    if (name === undefined) throw new RangeError(`"${part.trim()}" is not NAME=WEIGHT`);
    return { name, weight: weight === undefined ? 1 : Number(weight) };
  });
  if (parts.every(({ weight }) => weight === 0)) throw new RangeError('all weights are 0');
  const twice = parts.find(({ name }, index) => parts.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new RangeError(`"${twice.name}" stands twice in it`);
  return parts;
}

/** Chooses an index by weights. */
export function createChooser(weights: readonly number[], random: Random): () => number {
  if (weights.length === 1) return () => 0;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return () => {
    let at = random() * total;
    for (let index = 0; index < weights.length; index++) {
      at -= weights[index] as number;
      if (at < 0) return index;
    }
    return weights.length - 1;
  };
}
