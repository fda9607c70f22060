import { isPackageMissing } from '../../kernel/optional-package.ts';
import { DriverMissingError } from '../errors.ts';

/** Loads an optional package on first use. @throws {DriverMissingError} when it is not installed. */
export async function loadDriver<T>(kind: string, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isPackageMissing(error, packageName)) throw new DriverMissingError(kind, packageName, error);
    throw error;
  }
}
