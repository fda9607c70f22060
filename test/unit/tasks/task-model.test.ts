import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalMessageBus, MemoryStateStore, type StateStore } from '../../../src/state/state.ts';
import {
  answering,
  asking,
  cancelling,
  completing,
  failing,
  resolveTasks,
  type TaskRecord,
  TaskStore,
  type Transition,
} from '../../../src/tasks/tasks.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

const TTL_MS = 60_000;
const REQUEST = { method: 'roots/list' } as const;
const STEPS = ['complete', 'fail', 'cancel', 'ask', 'answer'] as const;
type Step = (typeof STEPS)[number];

/** The statuses that a step applies to, and the one that it leads to. */
const RULES: { readonly [S in Step]: { readonly from: readonly string[]; readonly to: string } } = {
  complete: { from: ['working'], to: 'completed' },
  fail: { from: ['working', 'input_required'], to: 'failed' },
  cancel: { from: ['working', 'input_required'], to: 'cancelled' },
  ask: { from: ['working'], to: 'input_required' },
  answer: { from: ['input_required'], to: 'working' },
};

function fresh(now: number): TaskRecord {
  return {
    ...{ id: 'x'.repeat(32), tool: 'tool', principal: '', status: 'working', createdAt: now, updatedAt: now },
    ...{ ttlMs: TTL_MS, pollIntervalMs: 1_000, owner: 'me', args: undefined, asked: {}, given: {}, uses: {} },
  };
}

/** A store whose answers come in whatever order the schedule says, each operation being whole in itself; and what it kept. */
function scheduled(store: MemoryStateStore, scheduler: fc.Scheduler, kept: string[]): StateStore {
  const later = scheduler.scheduleFunction(async <T>(outcome: T) => outcome);
  const late = Object.create(store) as StateStore;
  late.get = (key) => later(store.get(key)) as never;
  late.put = (key, value, options) => {
    const outcome = store.put(key, value, options);
    if (typeof outcome === 'number') kept.push((JSON.parse(value) as TaskRecord).status);
    return later(outcome) as never;
  };
  return late;
}

function transitionOf(step: Step, { asked }: TaskRecord, now: number): Transition {
  switch (step) {
    case 'complete':
      return completing({ content: [] }, 'me', now);
    case 'fail':
      return failing({ code: -1, message: 'x' }, now);
    case 'cancel':
      return cancelling(now);
    case 'ask':
      return asking({ key: REQUEST }, undefined, now);
    case 'answer':
      return answering(Object.fromEntries(Object.keys(asked).map((key) => [key, 1])), 'me', now);
  }
}

/** Lets all steps race, and says which of them applied, what was kept on the way, and what is kept in the end. */
async function race(sequence: readonly (Step | 'wait')[], scheduler: fc.Scheduler) {
  const clock = new FakeClock();
  const kept: string[] = [];
  const store = scheduled(new MemoryStateStore(clock), scheduler, kept);
  const parts = { store, messages: new LocalMessageBus(), clock, server: 'model', options: resolveTasks(undefined) };
  const instances = [new TaskStore(parts), new TaskStore(parts)] as const;
  const record = fresh(clock.wallNow());
  await scheduler.waitFor(instances[0].create(record));
  const applied: Step[] = [];
  const racing = sequence.map(async (step, index) => {
    if (step === 'wait') clock.advance(TTL_MS / 4);
    else {
      const change = (at: TaskRecord) => transitionOf(step, at, clock.wallNow())(at);
      if ((await instances[index % 2 === 0 ? 0 : 1].change(record.id, change)) !== undefined) applied.push(step);
    }
  });
  await scheduler.waitFor(Promise.all(racing));
  const end = await scheduler.waitFor(instances[0].read(record.id));
  return { applied, kept, end: end?.record.status, isOver: clock.wallNow() - record.createdAt >= TTL_MS };
}

describe('what is kept of a task', () => {
  it('is what the rules say, whatever changes meet each other, on however many instances', async () => {
    const step = fc.constantFrom(...STEPS, 'wait' as const);
    const sequences = fc.array(step, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sequences, fc.scheduler(), async (sequence, scheduler) => {
        const { applied, kept, end, isOver } = await race(sequence, scheduler);
        let status = kept[0];
        const steps = kept.slice(1).map((to) => {
          const made = STEPS.find((each) => RULES[each].to === to && RULES[each].from.includes(status ?? ''));
          status = to;
          return made;
        });
        expect(steps).not.toContain(undefined);
        // Who is told that its change applies is one of those whose change was kept, and the others are told that it does not.
        expect([...applied].sort()).toEqual([...steps].sort());
        expect(end).toBe(isOver ? undefined : status);
      }),
      { numRuns: 500 },
    );
  });
});
