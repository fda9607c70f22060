import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { resolveTasks } from '../../../src/tasks/tasks.ts';
import { serverWith, text } from '../support/test-server.ts';

describe('the option tasks', () => {
  it('has defaults', () => {
    expect(resolveTasks(undefined)).toEqual({
      ...{ ttlSeconds: 3_600, maxTtlSeconds: 86_400, pollIntervalMs: 1_000 },
      ...{ maxTasks: 10_000, maxPerPrincipal: 1_000, maxRunning: 1_000 },
    });
    expect(resolveTasks({ ttlSeconds: 100_000, maxTasks: 5 })).toMatchObject({
      maxTtlSeconds: 100_000,
      maxPerPrincipal: 5,
    });
  });

  it.each([
    [{ ttlSeconds: 0 }, 'tasks.ttlSeconds'],
    [{ ttlSeconds: 20, maxTtlSeconds: 10 }, 'tasks.maxTtlSeconds'],
    [{ pollIntervalMs: 1.5 }, 'tasks.pollIntervalMs'],
    [{ maxTasks: 0 }, 'tasks.maxTasks'],
    [{ maxRuning: 1 }, 'maxRunning'],
    [[], 'tasks'],
  ])('names what is wrong: %j', (tasks, name) => {
    expect(() => serverWith(undefined, { tasks: tasks as never })).toThrow(OptionError);
    expect(() => serverWith(undefined, { tasks: tasks as never })).toThrow(name);
  });
});

describe('the option task of a tool', () => {
  it.each([
    ['yes', "must be true, 'required' or an object"],
    [{ required: 1 }, 'task.required'],
    [{ immediateMs: -1 }, 'task.immediateMs'],
    [{ ttlSeconds: 0.5 }, 'task.ttlSeconds'],
    [{ pollIntervalMs: 1 }, 'task.pollIntervalMs'],
    [{ ttl: 1 }, 'task.ttl'],
  ])('names what is wrong: %j', (task, name) => {
    expect(() => serverWith((server) => server.registerTool('t', { task: task as never }, () => text('')))).toThrow(
      name,
    );
  });

  it('does not go with kept answers', () => {
    const config = { task: true, cache: { ttlSeconds: 5, scope: 'shared' } } as never;
    expect(() => serverWith((server) => server.registerTool('t', config, () => text('')))).toThrow(
      'cannot go with cache',
    );
  });
});
