import { PeregrineError } from './errors.ts';

/** Whether an import failed since the package itself is not there, rather than one that it needs. */
export function isPackageMissing(error: unknown, packageName: string): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${packageName}'`)
  );
}

/** Loads an optional package. @throws {PeregrineError} `DRIVER_MISSING` when it is not installed. */
export async function loadOptional<T>(what: string, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isPackageMissing(cause, packageName)) throw cause;
    const message = `${what} needs the package "${packageName}": npm install ${packageName}`;
    throw new PeregrineError('DRIVER_MISSING', message, { cause });
  }
}
