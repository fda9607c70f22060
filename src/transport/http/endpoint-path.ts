import { OptionError } from '../../kernel/errors.ts';
import { stringOption } from '../../kernel/options.ts';

/** The path of an endpoint. @throws {OptionError} */
export function endpointPathOption(name: string, value: unknown, fallback = '/mcp'): string {
  const path = stringOption(name, value, fallback);
  if (/^\/[\w\-./~]*$/.test(path)) return path;
  throw new OptionError(name, 'must start with / and hold only letters, digits and -._~/', path);
}
