import { type ConnectionManner, MemoryEndpoint, type Probe, type Schedule } from './memory-endpoint.ts';

/** What one client sends, and how. */
export interface Feed extends ConnectionManner {
  /** What arrives, piece by piece. */
  readonly pieces: readonly Buffer[];
  /** The indexes of pieces that are held back until everything before them is done and answered. */
  readonly barriers: ReadonlySet<number>;
}

/** What came of a {@link Feed}. */
export interface Outcome {
  readonly probe: Probe;
  /** Whether the server had ended its side before the client did. */
  readonly closedFirst: boolean;
}

interface Job {
  readonly feed: Feed;
  readonly probe: Probe;
  next: number;
  seen: number;
  quietTurns: number;
  finSent: boolean;
  closedFirst: boolean;
}

/** Turns without any event after which nothing more is on its way: streams and parsers take one or two. */
const QUIET_TURNS = 3;

const turnOver = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Feeds many connections at once, one piece of each every turn of the event loop. */
export class Runner implements Schedule {
  answering = false;
  #turn = 0;
  readonly #due = new Map<number, (() => void)[]>();
  readonly #endpoint = new MemoryEndpoint(this);

  later(turns: number, run: () => void): void {
    const at = this.#turn + turns;
    const list = this.#due.get(at);
    if (list === undefined) this.#due.set(at, [run]);
    else list.push(run);
  }

  async run(feeds: readonly Feed[]): Promise<Outcome[]> {
    const jobs = feeds.map(
      (feed): Job => ({
        feed,
        probe: this.#endpoint.connect(feed),
        next: 0,
        seen: 0,
        quietTurns: 0,
        finSent: false,
        closedFirst: false,
      }),
    );
    for (let active = jobs; active.length > 0; ) {
      this.#turn++;
      const due = this.#due.get(this.#turn);
      if (due !== undefined) {
        this.#due.delete(this.#turn);
        this.answering = true;
        for (const run of due) run();
        await turnOver();
        this.answering = false;
      }
      active = active.filter((job) => !step(job));
      await turnOver();
    }
    return jobs.map(({ probe, closedFirst }) => ({ probe, closedFirst }));
  }
}

/** Gives one connection its next piece, or its end; answers whether it is done. */
function step(job: Job): boolean {
  const { socket, recorder } = job.probe;
  const unsent = socket.destroyed ? 0 : socket.writableLength + socket.unsent;
  if (socket.activity !== job.seen || recorder.waiting > 0 || unsent > 0) job.quietTurns = 0;
  else job.quietTurns++;
  job.seen = socket.activity;
  const quiet = job.quietTurns >= QUIET_TURNS;
  if (job.finSent || socket.destroyed) {
    if (!quiet) return false;
    job.closedFirst ||= !job.finSent;
    socket.destroy();
    return true;
  }
  if (job.probe.handedOverLate) {
    job.probe.handedOverLate = false; // What was handed over is this turn's piece.
    return false;
  }
  const piece = job.feed.pieces[job.next];
  if (piece !== undefined && (quiet || !job.feed.barriers.has(job.next))) {
    job.next++;
    job.quietTurns = 0;
    socket.push(piece);
  } else if (piece === undefined && quiet) {
    job.closedFirst = socket.ended;
    job.finSent = true;
    job.quietTurns = 0;
    socket.push(null);
  }
  return false;
}
