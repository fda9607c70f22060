import { AsyncLocalStorage } from 'node:async_hooks';

/** The part of a request that its queries and tasks need: when its caller goes, they end. */
export interface RequestScope {
  readonly signal: AbortSignal;
}

/** Which request the running code works for, however deep in it. */
export class RequestScopes {
  /** Whether anybody asks; otherwise requests are not noted. */
  isUsed: boolean;
  readonly #scope = new AsyncLocalStorage<RequestScope>();

  constructor(isUsed: boolean) {
    this.isUsed = isUsed;
  }

  /** The signal of the request that the running code works for. */
  get signal(): AbortSignal | undefined {
    return this.#scope.getStore()?.signal;
  }

  /** Makes a function work for the request that is its last argument. */
  scoped<A, B, S extends RequestScope, R>(run: (a: A, b: B, scope: S) => R): (a: A, b: B, scope: S) => R {
    return (a, b, scope) => (this.isUsed ? this.#scope.run(scope, () => run(a, b, scope)) : run(a, b, scope));
  }
}
