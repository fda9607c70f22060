import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPools, Lookout, taskModule } from './support.ts';

const SOURCE = new URL('../../src/worker/worker.ts', import.meta.url).href;

/** A process with pools, whose script has `pools`. */
function start(script: string) {
  const tasks = `for (const name of ['chatter', 'double']) pools.registerTask(name, '${taskModule('good.ts').href}', { export: name === 'double' ? 'default' : name });
    pools.registerTask('spin', '${taskModule('bad.ts').href}', { export: 'spin' });`;
  const code = `import { WorkerPools } from '${SOURCE}'; const pools = new WorkerPools({ processes: 1 }); ${tasks} ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

describe.each(['thread', 'process'])('a process with a worker (%s)', (pool) => {
  it('gets on its stderr what tasks write, and nothing on its stdout', async () => {
    const child = start(`await pools.run(1, { task: 'chatter', pool: '${pool}' }); await pools.close(1_000);`);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('console.log of a task\nstdout of a task\n');
  });

  it('ends by itself when nothing runs any more, without closing its pools', async () => {
    const child = start(`console.log(await pools.run(21, { task: 'double', pool: '${pool}' }));`);
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
  });
});

describe('a worker process', () => {
  it.each(['SIGINT', 'SIGTERM'])('leaves it to its parent what %s means', async (signal) => {
    expect(await createPools().run(signal, { task: 'signalOneself', pool: 'process' })).toBe(`after ${signal}`);
  });

  it('has the arguments of its parent that concern it, and its own heap', async () => {
    const pools = createPools({ processHeapMb: 77 });
    expect(await pools.run(undefined, { task: 'nodeArguments', pool: 'process' })).toContain('--max-old-space-size=77');
  });

  it('that spins ends when its parent was killed', async () => {
    const lookout = await Lookout.open();
    const child = start(`await pools.run(${lookout.port}, { task: 'spin', pool: 'process' });`);
    const closed = await lookout.spinning();
    child.kill('SIGKILL');
    await closed();
  });
});
