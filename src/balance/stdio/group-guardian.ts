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
const groups = new Set<number>();

/**
 * Has a process group ended when this process ends, however it does. A shell does it: the children of this process may not
 * notice that their input has ended, and a killed process does nothing any more.
 */
export function guardGroup(pid: number): void {
  groups.add(pid);
  if (guardian !== undefined) guardian.stdin?.write(`+ ${pid}\n`);
  else guardian = startGuardian();
}

/** The group is gone: its number may become another one's. */
export function releaseGroup(pid: number): void {
  groups.delete(pid);
  guardian?.stdin?.write(`- ${pid}\n`);
}

/** Starts one that knows all groups. Where that fails for a lack of something, it is tried again with the next group. */
function startGuardian(): ChildProcess | undefined {
  let shell: ChildProcess;
  try {
    shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  } catch {
    return undefined;
  }
  const forget = (): void => {
    if (guardian === shell) guardian = undefined;
  };
  shell.once('error', forget).once('exit', forget);
  shell.unref();
  const { stdin } = shell;
  stdin?.on('error', forget);
  (stdin as { unref?(): void } | null)?.unref?.();
  for (const group of groups) stdin?.write(`+ ${group}\n`);
  return shell;
}
