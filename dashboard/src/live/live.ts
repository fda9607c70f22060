import { useEffect, useState } from 'preact/hooks';
import type { LiveMessage } from '../../../src/monitor/live-protocol.ts';
import type { ConnectionState } from './connection.ts';
import { LiveStore } from './store.ts';

const PROTOCOL = 1;

/** What the page knows, and when it has to be drawn again: at most once a frame, and not while nobody sees it. */
export class Live {
  readonly store = new LiveStore();
  connection: ConnectionState = { state: 'connecting' };
  readonly #listeners = new Set<() => void>();
  #isRequested = false;

  take(message: LiveMessage): void {
    // The server was replaced by another version, and so was the page.
    if (message.type === 'hello' && message.protocol !== PROTOCOL) location.reload();
    this.store.take(message);
    this.#request();
  }

  enter(state: ConnectionState): void {
    this.connection = state;
    this.#request();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    requestAnimationFrame(() => {
      this.#isRequested = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** Draws a component again whenever the page knows more. */
export function useLive(live: Live): void {
  const [, setVersion] = useState(0);
  useEffect(() => live.subscribe(() => setVersion((version) => version + 1)), [live]);
}
