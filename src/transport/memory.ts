import type { Acceptor } from './exchange.ts';

/** One end of a connection inside the process: messages as JSON text, in both directions. */
export interface MemoryClient {
  /** Sends one message to the server. */
  send(text: string): void;
  /** Ends the connection: what runs on it is cancelled. */
  close(): void;
}

/** Connects to a server inside the same process: for tests, and for programs that host a server and its client. */
export function connectMemory(acceptor: Acceptor, onMessage: (text: string) => void): MemoryClient {
  const decoder = new TextDecoder();
  const connection = acceptor.connect({
    send: (text, bytes) => onMessage(bytes === undefined ? text : text + decoder.decode(bytes)),
  });
  return { send: (text) => connection.receive(text), close: () => connection.close() };
}
