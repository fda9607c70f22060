/** What the suite "workers" runs. */
export function echo(input: unknown): unknown {
  return input;
}

export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
