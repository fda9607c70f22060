import { execFile } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { complete, install, NEEDS, program } from '../../services/install.ts';

/** The official Python SDK that the fixtures are written for. */
const PACKAGE = 'mcp==2.3.0';

const run = promisify(execFile);

/**
 * The path of a Python that has the official SDK: that of `PYTHON_PATH`, or one in a temporary folder that stays for the next
 * run, made from the system's.
 *
 * @throws {Error} One line that says what is missing.
 */
export async function pythonWithMcp(): Promise<string> {
  const given = process.env[NEEDS.python.variable] || undefined;
  if (given !== undefined) {
    await run(given, ['-c', 'import mcp']).catch((error) => {
      throw new Error(`the Python of ${NEEDS.python.variable} has no package "mcp": ${lastLine(error)}`);
    });
    return given;
  }
  const folder = join(tmpdir(), `peregrine-python-${PACKAGE.replace('==', '-')}`);
  if (!existsSync(join(folder, 'bin/python'))) await make(folder);
  return join(folder, 'bin/python');
}

/** Makes it beside its place and moves it there when it is whole: another run may do the same at this moment. */
async function make(folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}`;
  try {
    await install(['python']);
    const create = () => run(program('python3'), ['-m', 'venv', '--clear', draft]);
    // Debian's Python lacks the part that makes environments until its package is there.
    await create().catch(() => complete('python').then(create));
    await run(join(draft, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE]);
    if (!existsSync(folder)) renameSync(draft, folder);
  } catch (error) {
    throw new Error(`a Python with ${PACKAGE} is missing and cannot be made: ${lastLine(error)}`);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
  return (stderr?.trim() || message).split('\n').at(-1) ?? '';
}
