import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { TOOLSETS, type Toolset } from './toolsets.ts';

export interface ServerArguments {
  readonly toolset: Toolset;
  /** The scenario whose answer a contender with fixed bytes gives. */
  readonly scenario: string;
  /** The fixed answer itself, when the harness has already worked it out. */
  readonly answer: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** Reads `[toolset] [--scenario name] [--answer json]` and PORT, which every contender understands. */
export function readArguments(): ServerArguments {
  const { values, positionals } = parseArgs({
    options: { scenario: { type: 'string', default: 'call-modern' }, answer: { type: 'string' } },
    allowPositionals: true,
  });
  const toolset = positionals[0] ?? '3';
  if (!TOOLSETS.includes(toolset as Toolset)) {
    throw new RangeError(`toolset: one of ${TOOLSETS.join(', ')}, not ${JSON.stringify(toolset)}`);
  }
  return {
    toolset: toolset as Toolset,
    scenario: values.scenario,
    answer: values.answer,
    port: Number(process.env.PORT ?? 0),
  };
}

/** Prints the port and makes the process end on SIGTERM (writing a profile if one is taken) and with its starter. */
export function announce(address: AddressInfo | string | null | number): void {
  const port = typeof address === 'number' ? address : (address as AddressInfo).port;
  process.once('SIGTERM', () => process.exit(0));
  if (process.env.BENCH_CHILD === '1') process.stdin.on('end', () => process.exit(0)).resume();
  process.stdout.write(`${JSON.stringify({ port })}\n`);
}
