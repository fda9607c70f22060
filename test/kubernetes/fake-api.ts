import { discovery, KEDA_KINDS, KINDS, type Kind, versionOf } from './fake-kinds.ts';
import { type Changes, FakeStore, Refusal, type StoredObject, type StoreEvent } from './fake-store.ts';

export interface FakeRequest {
  readonly method: string;
  readonly url: string;
  readonly token: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** What came, from whom, and what was answered. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly user: string | undefined;
  readonly status: number;
}

/** Where the events of a watch go; `end` breaks it off or, orderly, ends it. */
export interface WatchSink {
  write(line: string): void;
  end(isOrderly: boolean): void;
}

export type FakeAnswer =
  | { readonly status: number; readonly body: object }
  | { readonly status: 200; readonly open: (sink: WatchSink) => () => void };

interface Target {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly isScale: boolean;
  readonly query: URLSearchParams;
}

/** The API of a Kubernetes cluster, as far as Peregrine, kubectl and the official client ask for it here. */
export class FakeApi {
  readonly store = new FakeStore();
  /** Tokens and whose they are; with none, nobody is asked for one. */
  readonly tokens = new Map<string, string>();
  readonly seen: Seen[] = [];
  /** Answers in place of the API where it returns a status. */
  intercept: (method: string, path: string) => number | undefined = () => undefined;
  /** Holds events back: a watch that is slow. */
  isSlow = false;
  readonly #kinds: readonly Kind[];
  readonly #watches = new Set<{ readonly sink: WatchSink; readonly bookmarks: boolean; readonly held: string[] }>();

  constructor({ hasKeda = false }: { readonly hasKeda?: boolean } = {}) {
    this.#kinds = hasKeda ? [...KINDS, ...KEDA_KINDS] : KINDS;
  }

  get watches(): number {
    return this.#watches.size;
  }

  kind(name: string): Kind {
    const found = this.#kinds.find(({ kind }) => kind === name);
    if (found === undefined) throw new Error(`no kind ${name}`);
    return found;
  }

  /** All objects, of whatever kind, that were written after a version. */
  since(version: number): StoredObject[] {
    const all = this.#kinds.flatMap(({ plural }) =>
      this.store.list({ plural, namespace: undefined, labels: undefined }),
    );
    return all.filter(({ metadata }) => Number(metadata.resourceVersion) > version);
  }

  /** The statuses of requests for paths that end like this. */
  statuses(method: string, ending: string): number[] {
    return this.seen.filter((each) => each.method === method && each.path.endsWith(ending)).map(({ status }) => status);
  }

  /** Tells those who watch how far they are. */
  bookmark(): void {
    const object = { metadata: { name: '', resourceVersion: String(this.store.version) } };
    for (const { sink, bookmarks } of this.#watches)
      if (bookmarks) sink.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  endWatches(isOrderly: boolean): void {
    for (const { sink } of [...this.#watches]) sink.end(isOrderly);
  }

  /** Lets events go that were held back. */
  release(): void {
    this.isSlow = false;
    for (const { sink, held } of this.#watches) for (const line of held.splice(0)) sink.write(line);
  }

  handle(request: FakeRequest): FakeAnswer {
    const { pathname, searchParams } = new URL(request.url, 'http://api');
    const user = request.token === undefined ? undefined : this.tokens.get(request.token);
    const answer = this.#answer(request, pathname, searchParams, user);
    this.seen.push({ method: request.method, path: pathname, user, status: answer.status });
    return answer;
  }

  #answer(request: FakeRequest, path: string, query: URLSearchParams, user: string | undefined): FakeAnswer {
    try {
      if (this.tokens.size > 0 && user === undefined) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
      const status = this.intercept(request.method, path);
      if (status !== undefined) throw new Refusal(status, 'Intercepted', `status ${status} by the test`);
      const document = discovery(path, this.#kinds);
      if (document !== undefined) return { status: 200, body: document };
      const target = this.#target(path, query);
      if (query.get('watch') === '1' || query.get('watch') === 'true') return this.#watch(target);
      return this.#serve(request, target);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, body: statusOf(error) };
    }
  }

  #target(path: string, query: URLSearchParams): Target {
    const pattern = /^\/(?:api|apis)\/(.+?)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(\/scale)?$/;
    const [, version, namespace, plural, name, scale] = pattern.exec(path) ?? [];
    const kind = this.#kinds.find((each) => each.plural === plural && versionOf(each) === version);
    if (kind === undefined || (scale && !kind.isScaled))
      throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
    return { kind, namespace, name, isScale: scale !== undefined, query };
  }

  #serve({ method, contentType = '', body }: FakeRequest, target: Target): FakeAnswer {
    const { kind, namespace = '', name, isScale } = target;
    const changes = (): Changes => JSON.parse(body);
    if (name === undefined) {
      if (method === 'GET') return { status: 200, body: this.#list(target) };
      return { status: 201, body: this.#create(target, changes()) };
    }
    if (isScale) return { status: 200, body: this.#scale(method, target, changes) };
    if (method === 'GET') return { status: 200, body: this.store.get(kind, namespace, name) };
    if (method === 'DELETE') {
      this.store.delete(kind, namespace, name);
      return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } };
    }
    if (method === 'PUT') {
      this.store.get(kind, namespace, name);
      return { status: 200, body: this.store.put(kind, namespace, changes()) };
    }
    const isApply = contentType.startsWith('application/apply-patch');
    if (isApply && this.store.find(kind, namespace, name) === undefined)
      return { status: 201, body: this.store.put(kind, namespace, changes()) };
    return { status: 200, body: this.store.patch(kind, namespace, name, changes()) };
  }

  #create({ kind, namespace = '' }: Target, content: Changes): StoredObject {
    const { name = '' } = (content.metadata ?? {}) as { readonly name?: string };
    if (this.store.find(kind, namespace, name) !== undefined)
      throw new Refusal(409, 'AlreadyExists', `${kind.plural} "${name}" already exists`);
    return this.store.put(kind, namespace, content);
  }

  #list({ kind, namespace, query }: Target): object {
    const items = this.store.list({ plural: kind.plural, namespace, labels: query.get('labelSelector') ?? undefined });
    const metadata = { resourceVersion: String(this.store.version) };
    return { apiVersion: versionOf(kind), kind: `${kind.kind}List`, metadata, items };
  }

  /** Its version is that of what is scaled. */
  #scale(method: string, target: Target, changes: () => Changes): object {
    const { kind, namespace = '', name = '' } = target;
    const toScale = ({ metadata, spec, status }: StoredObject): object => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name, namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      spec: { replicas: spec.replicas },
      status: { replicas: status.replicas },
    });
    if (method === 'GET') return toScale(this.store.get(kind, namespace, name));
    const { metadata = {}, spec } = changes() as { metadata?: { resourceVersion?: string }; spec: Changes };
    const { resourceVersion } = metadata;
    const wanted = { metadata: resourceVersion === undefined ? {} : { resourceVersion }, spec };
    return toScale(this.store.patch(kind, namespace, name, wanted));
  }

  #watch({ kind, namespace, query }: Target): FakeAnswer {
    const selection = { plural: kind.plural, namespace, labels: query.get('labelSelector') ?? undefined };
    const since = Number(query.get('resourceVersion') || this.store.version);
    const bookmarks = query.get('allowWatchBookmarks') !== null;
    const open = (sink: WatchSink): (() => void) => {
      const watch = { sink, bookmarks, held: [] as string[] };
      const listener = ({ type, object }: StoreEvent): void => {
        const line = `${JSON.stringify({ type, object })}\n`;
        if (this.isSlow) watch.held.push(line);
        else sink.write(line);
      };
      const stop = this.#follow(selection, since, sink, listener);
      if (stop === undefined) return () => {};
      this.#watches.add(watch);
      return () => {
        stop();
        this.#watches.delete(watch);
      };
    };
    return { status: 200, open };
  }

  /** What is gone is told as an event, as the API does. */
  #follow(
    selection: Parameters<FakeStore['follow']>[0],
    since: number,
    sink: WatchSink,
    listener: (event: StoreEvent) => void,
  ): (() => void) | undefined {
    try {
      return this.store.follow(selection, since, listener);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sink.write(`${JSON.stringify({ type: 'ERROR', object: statusOf(error) })}\n`);
      sink.end(true);
      return undefined;
    }
  }
}

function statusOf({ status, reason, message }: Refusal): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: status };
}
