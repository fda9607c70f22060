import { readVersion } from '../kernel/package-version.ts';
import { parseAndRun } from './adapter/arguments.ts';
import { bench } from './bench/bench.ts';
import { call } from './call.ts';
import { CliError, EXIT } from './cli-error.ts';
import { doctor } from './doctor.ts';
import { gateway } from './gateway.ts';
import { list } from './list.ts';
import { createProcessOutput, type Output } from './output.ts';
import { start } from './start.ts';

/** Runs one command line. @returns The process's exit code. */
export async function run(args: readonly string[], output: Output = createProcessOutput()): Promise<number> {
  try {
    return await parseAndRun(args, readVersion(), output, {
      bench: (url, options) => bench(url, options, output),
      call: (url, tool, json, options) => call(url, tool, json, options, output),
      list: (url, options) => list(url, options, output),
      doctor: (options) => doctor(options, output),
      gateway: (options) => gateway(options, output),
      start: (file, options) => start(file, options, output),
    });
  } catch (error) {
    if (error instanceof CliError) output.error(`peregrine: ${error.message}\n`);
    else output.error(`${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failure;
  }
}
