const FOREVER_MS = 2 ** 31 - 1;

/** Keeps the process alive while somebody waits for what no socket stands for. @returns What ends that. */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, FOREVER_MS);
  return () => clearInterval(timer);
}
