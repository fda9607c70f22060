import { Socket } from 'node:net';
import { Readable } from 'node:stream';

/** Takes bytes that are its own only until it returns: what it keeps longer, it keeps as {@link owned}. */
export type ChunkListener = (chunk: Buffer) => void;

type Received = (bytes: number, buffer: Buffer) => boolean;

/** What `net.Socket` keeps of its documented `onread` option, which a server's sockets cannot be given. */
interface OnRead {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** A socket with an `onread`, as Node.js has it inside. */
interface ReadingSocket {
  _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
  [member: symbol]: unknown;
}

const READ_BYTES = 65_536;

/** All sockets of this thread read into one buffer: a chunk is used up before the next one is read. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);
/** Its beginnings by their length, for the lengths that requests have: making a view costs as much as comparing a header. */
const MAX_KEPT_VIEW = 4_096;
const views: (Buffer | undefined)[] = Array.from({ length: MAX_KEPT_VIEW + 1 });
const onRead = findOnRead();

function findOnRead(): OnRead | undefined {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) => symbols.find((one) => one.description === name));
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}

/** The bytes of a chunk, safe to keep: a copy of those that the next read would overwrite. */
export function owned(chunk: Buffer): Buffer {
  return chunk.buffer === shared.buffer ? Buffer.from(chunk) : chunk;
}

/**
 * Gives a socket's bytes to a listener without the stream machinery between, and without a buffer for each read.
 *
 * HOT: a socket allocates 64 KiB for each read, shrinks them to what came and hands them to its own `push`. Here all
 * sockets read into one buffer, as by the `onread` option of `net.Socket`, and the listener is called at once (decision
 * 0006; guarded by `npm run bench`). While the socket is paused, or has bytes buffered, the machinery does its work as ever,
 * so nothing is lost or overtaken. Where a runtime has no such buffer, or under TLS, the socket's `push` calls the
 * listener; should it not go through that either, the bytes arrive by the 'data' event, which the caller listens to
 * anyway. Streams that are no sockets are left alone.
 *
 * @returns What puts everything back.
 */
export function readDirectly(socket: Socket, listener: ChunkListener): () => void {
  if (!(socket instanceof Socket)) return () => {};
  return readIntoShared(socket, listener) ?? readFromPush(socket, listener);
}

/** A buffer of one's own cannot be taken back from a socket: afterwards its bytes go, copied, the usual way. */
function readIntoShared(socket: Socket, listener: ChunkListener): (() => void) | undefined {
  const reading = socket as unknown as ReadingSocket;
  const handle = reading._handle;
  if (onRead === undefined || 'encrypted' in socket || typeof handle?.useUserBuffer !== 'function') return undefined;
  let direct = true;
  const received: Received = (bytes, buffer) => {
    const chunk = viewOf(buffer, bytes);
    if (!direct || socket.readableLength > 0 || socket.isPaused()) return socket.push(Buffer.from(chunk));
    listener(chunk);
    return true;
  };
  handle.useUserBuffer(shared);
  reading[onRead.buffer] = shared;
  reading[onRead.callback] = received;
  return () => {
    direct = false;
  };
}

function viewOf(buffer: Buffer, bytes: number): Buffer {
  const kept = views[bytes];
  if (kept !== undefined) return kept;
  const view = buffer.subarray(0, bytes);
  if (bytes <= MAX_KEPT_VIEW) views[bytes] = view;
  return view;
}

function readFromPush(socket: Socket, listener: ChunkListener): () => void {
  const push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null || socket.readableLength > 0 || socket.isPaused())
      return Readable.prototype.push.call(socket, chunk, encoding);
    listener(chunk);
    return true;
  };
  socket.push = push;
  return () => {
    if (socket.push === push) Reflect.deleteProperty(socket, 'push');
  };
}
