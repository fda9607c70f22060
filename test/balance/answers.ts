import type { AnswerHead } from '../../src/balance/upstream/answer-head.ts';
import type { AnswerReceiver } from '../../src/balance/upstream/answer-reader.ts';
import { AnswerReader } from '../../src/balance/upstream/answer-reader.ts';
import type { UpstreamHeaders } from '../../src/balance/upstream/upstream-call.ts';

/** One answer as a reader tells it; `reusable` is there when it has ended. */
export interface ReadAnswer {
  status: number;
  headers: UpstreamHeaders;
  body: Buffer;
  pieces: number;
  reusable: boolean | undefined;
}

/** Writes down what a reader tells. */
export class AnswerLog implements AnswerReceiver {
  readonly answers: ReadAnswer[] = [];
  wrong: string | undefined;
  /** Runs at each piece of a body. */
  onData: () => void = () => {};

  get last(): ReadAnswer {
    return this.answers.at(-1) as ReadAnswer;
  }

  head(status: number, headers: UpstreamHeaders): void {
    this.answers.push({ status, headers, body: Buffer.alloc(0), pieces: 0, reusable: undefined });
  }

  data(chunk: Buffer): void {
    this.last.body = Buffer.concat([this.last.body, chunk]);
    this.last.pieces++;
    this.onData();
  }

  ended(_head: AnswerHead, reusable: boolean): void {
    this.last.reusable = reusable;
  }

  bad(reason: string): void {
    this.wrong = reason;
  }
}

/** A reader that expects an answer, and what it tells. */
export function openReader(maxHeaderBytes = 16_384): { reader: AnswerReader; log: AnswerLog } {
  const log = new AnswerLog();
  const reader = new AnswerReader(log, maxHeaderBytes);
  reader.expect();
  return { reader, log };
}

/** Reads an answer, Latin-1, cut at these places, with an end of the connection after it if asked for. */
export function readAnswer(text: string, cuts: readonly number[] = [], end = false): AnswerLog {
  const { reader, log } = openReader();
  const bytes = Buffer.from(text, 'latin1');
  const edges = [0, ...cuts, bytes.length];
  for (let index = 1; index < edges.length; index++) reader.read(bytes.subarray(edges[index - 1], edges[index]));
  if (end) reader.finish();
  return log;
}
