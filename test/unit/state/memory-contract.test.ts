import { MemoryStateStore } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { describeStateContract } from '../../contract/state-contract.ts';

describeStateContract('memory', async () => {
  const clock = new FakeClock();
  const store = new MemoryStateStore(clock);
  return { first: store, second: store, pass: (ms) => clock.advance(ms) };
});
