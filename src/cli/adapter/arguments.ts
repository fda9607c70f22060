import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { PERFORMANCE_PRESETS } from '../../optimizer/optimizer.ts';
import type { BenchOptions } from '../bench/bench.ts';
import type { CallOptions } from '../call.ts';
import type { ConnectionOptions } from '../connection.ts';
import type { DoctorOptions } from '../doctor.ts';
import type { GatewayOptions } from '../gateway.ts';
import type { ListOptions } from '../list.ts';
import type { Output } from '../output.ts';
import type { StartOptions } from '../start.ts';
import { addBench } from './bench-arguments.ts';
import { addGateway } from './gateway-arguments.ts';
import { parseSeconds } from './seconds.ts';
import { addStart } from './start-arguments.ts';

export interface Commands {
  bench(url: string, options: BenchOptions): Promise<number>;
  call(url: string, tool: string, json: string, options: CallOptions): Promise<number>;
  list(url: string, options: ListOptions): Promise<number>;
  doctor(options: DoctorOptions): Promise<number>;
  gateway(options: GatewayOptions): Promise<number>;
  start(file: string, options: StartOptions): Promise<number>;
}

type Header = readonly [name: string, value: string];
interface RawOptions {
  readonly header?: readonly Header[];
  readonly legacy?: true;
  readonly protocol?: string;
  readonly timeout: number;
  readonly raw?: true;
  readonly json?: true;
}

const EXIT_CODES = `
Exit codes:
  0  it worked
  1  wrong usage, or the server could not be reached or refused the request
  2  the tool answered with an error, or the doctor found something wrong`;

/** @returns The exit code: the command's own, or commander's where it only showed help or a usage error. */
export async function parseAndRun(
  args: readonly string[],
  version: string,
  output: Output,
  commands: Commands,
): Promise<number> {
  let exitCode = 0;
  const program = new Command('peregrine')
    .description('Runs and calls MCP (Model Context Protocol) servers.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', "show a command's help")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.error(text),
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replace(/^error: /, 'peregrine: ')
            .replace(/\s*\n\s*/g, ' ')}\n`,
        ),
    })
    .addHelpText(
      'after',
      `${EXIT_CODES}

Examples:
  $ peregrine start server.ts
  $ peregrine list http://127.0.0.1:3000/mcp
  $ peregrine bench http://127.0.0.1:3000/mcp
  $ peregrine call http://127.0.0.1:3000/mcp search_products '{"category":"Books"}'`,
    );

  const finish = async (code: Promise<number>): Promise<void> => {
    exitCode = await code;
  };
  addCall(program, (url, tool, json, options) => finish(commands.call(url, tool, json, options)));
  addList(program, (url, options) => finish(commands.list(url, options)));
  addBench(
    addConnectionOptions(program.command('bench')),
    (options) => toConnectionOptions(options as RawOptions),
    (url, options) => finish(commands.bench(url, options)),
  );
  addDoctor(program, (options) => finish(commands.doctor(options)));
  addGateway(program, (options) => finish(commands.gateway(options)));
  addStart(program, (file, options) => finish(commands.start(file, options)));

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

function addCall(
  program: Command,
  action: (url: string, tool: string, json: string, options: CallOptions) => Promise<void>,
): void {
  addConnectionOptions(program.command('call'))
    .description('Calls a tool and prints its answer.')
    .argument('<url>', 'where the server listens, with its path')
    .argument('<tool>', "the tool's name")
    .argument('[json]', "the tool's arguments, a JSON object", '{}')
    .option('--raw', 'print the whole result as JSON')
    .addHelpText(
      'after',
      `${EXIT_CODES} (its text goes to standard error)

Examples:
  $ peregrine call http://127.0.0.1:3000/mcp search_products '{"category":"Books","max_price":10}'
  $ peregrine call --raw --header 'Authorization: Bearer TOKEN' https://example.com/mcp whoami`,
    )
    .action((url: string, tool: string, json: string, options: RawOptions) =>
      action(url, tool, json, { ...toConnectionOptions(options), raw: options.raw ?? false }),
    );
}

function addList(program: Command, action: (url: string, options: ListOptions) => Promise<void>): void {
  addConnectionOptions(program.command('list'))
    .description('Shows the tools, resources, resource templates and prompts of a server.')
    .argument('<url>', 'where the server listens, with its path')
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
Example:
  $ peregrine list --json http://127.0.0.1:3000/mcp`,
    )
    .action((url: string, options: RawOptions) =>
      action(url, { ...toConnectionOptions(options), json: options.json ?? false }),
    );
}

function addDoctor(program: Command, action: (options: DoctorOptions) => Promise<void>): void {
  program
    .command('doctor')
    .description('Says what this machine is, what a server derives from it, and what is wrong.')
    .addOption(new Option('--preset <name>', 'derive as with this preset').choices(PERFORMANCE_PRESETS).default('auto'))
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Exit codes:
  0  nothing is wrong; there may be notes
  1  wrong usage
  2  there are warnings`,
    )
    .action(({ preset, json }: { readonly preset: string; readonly json?: true }) =>
      action({ preset, json: json ?? false }),
    );
}

function addConnectionOptions(command: Command): Command {
  return command
    .option('-H, --header <line>', "send this header too, as 'Name: value'; may be repeated", collectHeader)
    .addOption(
      new Option('--legacy', 'use only the handshake of the revisions before 2026-07-28').conflicts('protocol'),
    )
    .option('--protocol <revision>', 'use exactly this protocol revision, such as 2026-07-28 or 2025-11-25')
    .option('--timeout <seconds>', 'longest wait for one answer', parseSeconds, 60);
}

function toConnectionOptions({ header, legacy, protocol, timeout }: RawOptions): ConnectionOptions {
  return { header: header ?? [], legacy: legacy ?? false, protocol, timeoutMs: timeout * 1_000 };
}

function collectHeader(line: string, previous: readonly Header[] = []): readonly Header[] {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*:[ \t]*([\t\x20-\x7e]*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("It should look like 'Name: value'.");
  return [...previous, [name, value.trimEnd()]];
}
