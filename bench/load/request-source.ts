/** One request as it goes over the wire, built before the run. */
export interface PreparedRequest {
  readonly bytes: Buffer;
  /** The answer's exact body length, or -1 while unknown (then not checked). */
  expectedBodyBytes: number;
}

/** Yields the request to send next; shared by all connections of a run. */
export type RequestSource = () => PreparedRequest;

export interface PostParts {
  readonly host: string;
  readonly path: string;
  /** Further headers, in order, as they are to be written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Builds the bytes of one HTTP/1.1 POST with Content-Length. */
export function preparePost(parts: PostParts): PreparedRequest {
  const body = Buffer.from(parts.body);
  const lines = [`POST ${parts.path} HTTP/1.1`, `host: ${parts.host}`];
  for (const [name, value] of parts.headers) {
    if (/[\r\n]/.test(name + value)) throw new RangeError(`header ${JSON.stringify(name)}: line break`);
    lines.push(`${name}: ${value}`);
  }
  lines.push(`content-length: ${body.length}`, '', '');
  return { bytes: Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]), expectedBodyBytes: -1 };
}

/** Goes through the requests in turn, for ever. */
export function rotate(requests: readonly PreparedRequest[]): RequestSource {
  if (requests.length === 0) throw new RangeError('rotate: no requests');
  let index = 0;
  return () => {
    const request = requests[index] as PreparedRequest;
    index = index + 1 === requests.length ? 0 : index + 1;
    return request;
  };
}
