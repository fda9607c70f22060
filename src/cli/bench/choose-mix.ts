import { type ListedTool, type MixPart, parseMix } from '../../load/load.ts';
import { CliError } from '../cli-error.ts';

/**
 * What is asked for: the mix, or the tools that were named; without either, the tools that say they only read. Others are never
 * called unasked, for they may change or cost something.
 *
 * @throws {CliError}
 */
export function chooseMix(
  tools: readonly ListedTool[],
  { mix, tools: named }: { readonly mix: string | undefined; readonly tools: readonly string[] },
): readonly MixPart[] {
  if (mix !== undefined) {
    try {
      return parseMix(mix);
    } catch (error) {
      throw new CliError(`--mix: ${(error as Error).message}`, { cause: error });
    }
  }
  if (named.length > 0) return named.map((name) => ({ name, weight: 1 }));
  const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint === true);
  if (reading.length > 0) return reading.map(({ name }) => ({ name, weight: 1 }));
  const known = tools.map(({ name }) => name).join(', ');
  throw new CliError(
    `no tool of the server says that it only reads; name those to call with --tool (it has ${known === '' ? 'none' : known}), or load a list with --mix tools/list`,
  );
}
