/** The contract of `testing/`: what tests of servers need, without sleeping. */
export { FakeClock } from './fake-clock.ts';
