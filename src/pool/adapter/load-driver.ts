import { DriverMissingError } from '../errors.ts';

/** Loads an optional package on first use. @throws {DriverMissingError} when it is not installed. */
export async function loadDriver<T>(kind: string, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    // A package that is there but lacks one of its own dependencies is another fault.
    if (isMissing && String(message).includes(`'${packageName}'`))
      throw new DriverMissingError(kind, packageName, error);
    throw error;
  }
}
