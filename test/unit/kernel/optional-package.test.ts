import { describe, expect, it } from 'vitest';
import { loadOptional } from '../../../src/kernel/optional-package.ts';

/** As Node.js fails to import a package. */
function notFound(packageName: string): Error {
  const error = new Error(`Cannot find package '${packageName}' imported from /app/server.js`);
  return Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
}

describe('loadOptional', () => {
  it('answers what was loaded', async () => {
    expect(await loadOptional('tea', 'kettle', async () => ({ boil: 1 }))).toEqual({ boil: 1 });
  });

  it('names the package that is missing, and how it comes', async () => {
    await expect(loadOptional('tea', 'kettle', () => Promise.reject(notFound('kettle')))).rejects.toMatchObject({
      code: 'DRIVER_MISSING',
      message: 'tea needs the package "kettle": npm install kettle',
    });
  });

  it('leaves alone what is another fault, such as a dependency of the package that is missing', async () => {
    for (const error of [notFound('water'), new SyntaxError('kettle'), 'kettle'])
      await expect(loadOptional('tea', 'kettle', () => Promise.reject(error))).rejects.toBe(error);
  });
});
