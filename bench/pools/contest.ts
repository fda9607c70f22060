import { median } from '../harness/statistics.ts';

/** One way of doing the same thing. */
export interface Contender {
  readonly name: string;
  /** Does the thing once; `index` grows. */
  run(index: number): Promise<unknown>;
}

/** What one contender cost, in microseconds a call: medians over its slices. */
export interface ContestRow {
  readonly name: string;
  /** CPU time of this process. */
  readonly cpuUs: number;
  /** From the first call of a slice to the end of its last, over their number. */
  readonly wallUs: number;
  /** CPU time over that of the first contender in the same turn: the median over the turns. */
  readonly ratio: number;
  readonly calls: number;
}

export interface ContestOptions {
  readonly slices: number;
  readonly callsPerSlice: number;
  readonly inFlight: number;
}

interface Slice {
  readonly cpuUs: number;
  readonly wallUs: number;
}

async function runSlice({ run }: Contender, { callsPerSlice, inFlight }: ContestOptions): Promise<Slice> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < callsPerSlice) await run(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const wallUs = ((performance.now() - startedAt) * 1_000) / callsPerSlice;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpuUs: (user + system) / callsPerSlice, wallUs };
}

/** Measures contenders in turns, every other turn backwards, after one turn that does not count. */
export async function contest(contenders: readonly Contender[], options: ContestOptions): Promise<ContestRow[]> {
  const slices = contenders.map((): Slice[] => []);
  for (let turn = -2; turn < options.slices; turn++) {
    const order = contenders.map((_, index) => index);
    if (turn % 2 !== 0) order.reverse();
    for (const index of order) {
      const slice = await runSlice(contenders[index] as Contender, options);
      if (turn >= 0) slices[index]?.push(slice);
    }
  }
  const first = slices[0] as Slice[];
  return contenders.map(({ name }, index) => {
    const own = slices[index] as Slice[];
    return {
      name,
      cpuUs: median(own.map(({ cpuUs }) => cpuUs)),
      wallUs: median(own.map(({ wallUs }) => wallUs)),
      ratio: median(own.map(({ cpuUs }, turn) => cpuUs / (first[turn]?.cpuUs ?? 1))),
      calls: options.slices * options.callsPerSlice,
    };
  });
}
