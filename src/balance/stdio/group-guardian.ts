import { type ChildProcess, spawn } from 'node:child_process';

/** Reads `+ pid` and `- pid`; at the end of its input, which is the end of this process, it ends the groups still there. */
const SCRIPT = `groups=
while read -r sign pid; do
  rest=
  for group in $groups; do [ "$group" = "$pid" ] || rest="$rest $group"; done
  groups=$rest
  [ "$sign" = - ] || groups="$groups $pid"
done
for group in $groups; do kill -s KILL -- "-$group"; done`;

let guardian: ChildProcess | undefined;

/**
 * Has a process group ended when this process ends, however it does. A shell does it: the children of this process may not
 * notice that their input has ended, and a killed process does nothing any more.
 */
export function guardGroup(pid: number): void {
  guardian ??= startGuardian();
  guardian.stdin?.write(`+ ${pid}\n`);
}

/** The group is gone: its number may become another one's. */
export function releaseGroup(pid: number): void {
  guardian?.stdin?.write(`- ${pid}\n`);
}

function startGuardian(): ChildProcess {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const forget = (): void => {
    if (guardian === shell) guardian = undefined;
  };
  shell.once('error', forget).once('exit', forget);
  shell.stdin.on('error', forget);
  shell.unref();
  (shell.stdin as unknown as { unref?(): void }).unref?.();
  return shell;
}
