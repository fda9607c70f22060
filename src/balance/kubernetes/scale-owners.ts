import { type ApiClient, type ApiObject, hasStatus } from './api-client.ts';

/** What is scaled: a Deployment or a StatefulSet. */
export interface ScaleReference {
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly name: string;
}

/** What both kinds of autoscalers say of their target; KEDA's may leave out the kind, which is then a Deployment. */
interface AutoscalerObject extends ApiObject {
  readonly spec: { readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string } };
}

const AUTOSCALERS = [
  { what: 'HorizontalPodAutoscaler', api: 'autoscaling/v2', resource: 'horizontalpodautoscalers' },
  { what: 'ScaledObject of KEDA', api: 'keda.sh/v1alpha1', resource: 'scaledobjects' },
] as const;

/**
 * The autoscaler that scales a target already, if there is one.
 *
 * @throws {KubernetesApiError} when it cannot be known: a kind that this cluster does not have is none, but one that may not be read
 * might be there.
 */
export async function findScaleOwner(api: ApiClient, target: ScaleReference): Promise<string | undefined> {
  for (const { what, api: version, resource } of AUTOSCALERS) {
    const path = `/apis/${version}/namespaces/${api.namespace}/${resource}`;
    const { items } = await api.get<{ readonly items: readonly AutoscalerObject[] }>(path).catch((error) => {
      if (hasStatus(error, 404)) return { items: [] };
      throw error;
    });
    const owner = items.find(({ spec: { scaleTargetRef } }) => {
      return scaleTargetRef?.name === target.name && (scaleTargetRef.kind ?? 'Deployment') === target.kind;
    });
    if (owner !== undefined) return `${what} "${owner.metadata.name}"`;
  }
  return undefined;
}
