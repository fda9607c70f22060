import { OptionError } from '../../kernel/errors.ts';
import { booleanOption, numberOption, objectOption, stringOption } from '../../kernel/options.ts';
import type { Endpoint, EndpointSource } from './endpoint-source.ts';

/** A replica as an operator writes it down: its URL, or more than that. */
export type StaticEndpoint = string | (Omit<Endpoint, 'id'> & { readonly id?: string });

const KEYS = ['id', 'url', 'weight', 'draining', 'host'] as const;

/** A list that does not change. */
export class StaticSource implements EndpointSource {
  readonly #endpoints: readonly Endpoint[];

  /** @throws {OptionError} */
  constructor(endpoints: readonly StaticEndpoint[], name = 'endpoints') {
    if (!Array.isArray(endpoints) || endpoints.length === 0)
      throw new OptionError(name, 'must be a list with at least one endpoint', endpoints);
    const ids = new Set<string>();
    this.#endpoints = endpoints.map((endpoint, index) => {
      const resolved = resolve(`${name}[${index}]`, endpoint);
      if (ids.has(resolved.id)) throw new OptionError(`${name}[${index}]`, 'is there twice', resolved.id);
      ids.add(resolved.id);
      return resolved;
    });
  }

  async start(changed: (endpoints: readonly Endpoint[]) => void): Promise<void> {
    changed(this.#endpoints);
  }

  stop(): void {}
}

function resolve(name: string, endpoint: StaticEndpoint): Endpoint {
  if (typeof endpoint === 'string') return atUrl(name, endpoint);
  const given = objectOption(name, endpoint, KEYS);
  const { id, url } = atUrl(`${name}.url`, stringOption(`${name}.url`, given.url));
  return {
    id: stringOption(`${name}.id`, given.id, id),
    url,
    weight: numberOption(`${name}.weight`, given.weight, 1, { min: 0.001, max: 1_000 }),
    draining: booleanOption(`${name}.draining`, given.draining, false),
    ...(given.host === undefined ? {} : { host: stringOption(`${name}.host`, given.host) }),
  };
}

function atUrl(name: string, text: string): Endpoint {
  const url = URL.parse(text);
  if (url?.username || url?.password) throw new OptionError(name, 'must name no user', url.host);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== '')
    throw new OptionError(name, 'must be a URL of http or https', text);
  return { id: `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`, url: url.href };
}
