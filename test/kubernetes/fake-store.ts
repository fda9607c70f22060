import { type Kind, versionOf } from './fake-kinds.ts';

export interface Metadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  labels?: Record<string, string>;
}

/** An object of any kind, as JSON. */
export interface StoredObject {
  readonly metadata: Metadata;
  // biome-ignore lint/suspicious/noExplicitAny: what the fields of a kind are is not this store's business
  readonly [field: string]: any;
}

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly plural: string;
  readonly object: StoredObject;
}

/** A refusal, as the API words it. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Which objects somebody asks for. */
export interface Selection {
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly labels: string | undefined;
}

export type Changes = Readonly<Record<string, unknown>>;

/** Objects with their versions, and what happened to them since it was compacted. */
export class FakeStore {
  readonly #objects = new Map<string, StoredObject>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #events: StoreEvent[] = [];
  #version = 100;
  #compactedTo = 100;
  #uids = 0;

  get version(): number {
    return this.#version;
  }

  list(selection: Selection): StoredObject[] {
    const all = [...this.#objects].filter(([key]) => key.startsWith(`${selection.plural}/`));
    return all.map(([, object]) => object).filter((object) => isSelected(object, selection));
  }

  find({ plural }: Pick<Kind, 'plural'>, namespace: string, name: string): StoredObject | undefined {
    return this.#objects.get(`${plural}/${namespace}/${name}`);
  }

  get(kind: Kind, namespace: string, name: string): StoredObject {
    const found = this.find(kind, namespace, name);
    if (found === undefined) throw new Refusal(404, 'NotFound', `${kind.plural} "${name}" not found`);
    return found;
  }

  /** Makes or replaces an object. */
  put(kind: Kind, namespace: string, content: Changes): StoredObject {
    const given = (content.metadata ?? {}) as Partial<Metadata>;
    const name = given.name ?? '';
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) throw new Refusal(422, 'Invalid', `bad name "${name}"`);
    const before = this.find(kind, namespace, name);
    if (given.resourceVersion && given.resourceVersion !== before?.metadata.resourceVersion) {
      const message = `Operation cannot be fulfilled on ${kind.plural} "${name}": the object has been modified`;
      throw new Refusal(409, 'Conflict', message);
    }
    const uid = before?.metadata.uid ?? `uid-${++this.#uids}`;
    const metadata = { ...given, name, namespace, uid, resourceVersion: String(this.#version + 1) };
    const object = withDefaults(kind, { apiVersion: versionOf(kind), kind: kind.kind, ...content, metadata });
    this.#keep(before === undefined ? 'ADDED' : 'MODIFIED', kind.plural, object);
    return object;
  }

  /** As a JSON merge patch does. */
  patch(kind: Kind, namespace: string, name: string, changes: Changes): StoredObject {
    const before = this.get(kind, namespace, name);
    const { resourceVersion: _, ...metadata } = before.metadata;
    return this.put(kind, namespace, merge({ ...before, metadata }, changes) as Changes);
  }

  delete(kind: Kind, namespace: string, name: string): void {
    const { metadata, ...rest } = this.get(kind, namespace, name);
    const resourceVersion = String(this.#version + 1);
    this.#keep('DELETED', kind.plural, { ...rest, metadata: { ...metadata, resourceVersion } });
  }

  /** Forgets what happened up to now: watches from before are gone. */
  compact(): void {
    this.#version++;
    this.#compactedTo = this.#version;
    this.#events = [];
  }

  /** Tells what happened since a version and what happens from now on. @returns What ends that. */
  follow(selection: Selection, since: number, listener: (event: StoreEvent) => void): () => void {
    if (since < this.#compactedTo) throw new Refusal(410, 'Expired', `too old resource version: ${since}`);
    const selected = (event: StoreEvent): void => {
      if (event.plural === selection.plural && isSelected(event.object, selection)) listener(event);
    };
    for (const event of this.#events) if (event.version > since) selected(event);
    this.#listeners.add(selected);
    return () => this.#listeners.delete(selected);
  }

  #keep(type: StoreEvent['type'], plural: string, object: StoredObject): void {
    const key = `${plural}/${object.metadata.namespace}/${object.metadata.name}`;
    if (type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, object);
    const event = { type, version: ++this.#version, plural, object };
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
  }
}

function isSelected({ metadata }: StoredObject, { namespace, labels }: Selection): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  const wanted = labels === undefined ? [] : labels.split(',').map((label) => label.split('='));
  return wanted.every(([key = '', value]) => metadata.labels?.[key] === value);
}

/** What is scaled runs at once, as many as are wanted. */
function withDefaults({ isScaled }: Kind, object: StoredObject): StoredObject {
  if (!isScaled) return object;
  const replicas = object.spec?.replicas ?? 1;
  return { ...object, spec: { ...object.spec, replicas }, status: { replicas, readyReplicas: replicas } };
}

function merge(target: unknown, changes: unknown): unknown {
  if (!isPlain(changes)) return changes;
  const merged: Record<string, unknown> = isPlain(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
