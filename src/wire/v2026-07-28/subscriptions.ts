import { isObject } from '../json.ts';
import { ErrorCode, notificationText, ProtocolError, type RequestId } from '../jsonrpc.ts';
import type { ServerCapabilities, SubscriptionFilter } from '../mcp.ts';
import { MetaKey } from '../meta-keys.ts';

/** A notification of a `subscriptions/listen` stream. */
export function taggedText(id: RequestId, method: string, params: Record<string, unknown> | undefined): string {
  return notificationText(method, { ...params, _meta: { [MetaKey.subscriptionId]: id } });
}

/** The first message of such a stream: what of the request is honoured. */
export function acknowledgement(id: RequestId, filter: SubscriptionFilter): string {
  return taggedText(id, 'notifications/subscriptions/acknowledged', { notifications: filter });
}

/** What a client asked to hear of, as far as a server with these capabilities can tell. */
export function honouredFilter(
  requested: SubscriptionFilter,
  { tools, prompts, resources }: ServerCapabilities,
): SubscriptionFilter {
  return {
    ...(requested.toolsListChanged && tools?.listChanged ? { toolsListChanged: true } : {}),
    ...(requested.promptsListChanged && prompts?.listChanged ? { promptsListChanged: true } : {}),
    ...(requested.resourcesListChanged && resources?.listChanged ? { resourcesListChanged: true } : {}),
    ...(requested.resourceSubscriptions?.length && resources?.subscribe
      ? { resourceSubscriptions: requested.resourceSubscriptions }
      : {}),
  };
}

/** Reads what a client wants to hear of. @throws {ProtocolError} -32602 */
export function readFilter(value: unknown, maxWatched: number): SubscriptionFilter {
  if (!isObject(value)) throw new ProtocolError(ErrorCode.InvalidParams, 'notifications must be an object');
  for (const key of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged']) {
    if (value[key] !== undefined && typeof value[key] !== 'boolean')
      throw new ProtocolError(ErrorCode.InvalidParams, `notifications.${key} must be a boolean`);
  }
  for (const key of ['resourceSubscriptions', 'taskIds']) {
    const names = value[key];
    const isValid =
      names === undefined ||
      (Array.isArray(names) && names.length <= maxWatched && names.every((name) => typeof name === 'string'));
    if (!isValid)
      throw new ProtocolError(ErrorCode.InvalidParams, `notifications.${key} must be at most ${maxWatched} strings`);
  }
  return value as SubscriptionFilter;
}
