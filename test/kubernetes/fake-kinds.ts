/** A kind of object that the fake API has. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  /** Whether it has the `scale` subresource. */
  readonly isScaled?: boolean;
  readonly isOfCluster?: boolean;
}

const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;
const APPS = { group: 'apps', version: 'v1' } as const;
const CORE = { group: '', version: 'v1' } as const;

export const KINDS: readonly Kind[] = [
  { ...CORE, kind: 'Service', plural: 'services', shortNames: ['svc'] },
  { ...CORE, kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'] },
  { ...CORE, kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'] },
  { ...CORE, kind: 'Secret', plural: 'secrets' },
  { ...CORE, kind: 'Namespace', plural: 'namespaces', isOfCluster: true },
  { ...APPS, kind: 'Deployment', plural: 'deployments', shortNames: ['deploy'], isScaled: true },
  { ...APPS, kind: 'StatefulSet', plural: 'statefulsets', shortNames: ['sts'], isScaled: true },
  {
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
  },
  { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases' },
  { group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices' },
  { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', shortNames: ['pdb'] },
  { group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy', plural: 'networkpolicies' },
  { ...RBAC, kind: 'Role', plural: 'roles' },
  { ...RBAC, kind: 'RoleBinding', plural: 'rolebindings' },
];

export const KEDA_KINDS: readonly Kind[] = [
  { group: 'keda.sh', version: 'v1alpha1', kind: 'ScaledObject', plural: 'scaledobjects', shortNames: ['so'] },
  { group: 'keda.sh', version: 'v1alpha1', kind: 'TriggerAuthentication', plural: 'triggerauthentications' },
];

/** The version of the kind `Scale`; it has no resource of its own here. */
const SCALE_VERSION = 'autoscaling/v1';

export const versionOf = ({ group, version }: Kind): string => (group === '' ? version : `${group}/${version}`);

/** What clients read before anything else: which groups, versions and kinds there are. */
export function discovery(path: string, kinds: readonly Kind[]): object | undefined {
  if (path === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.0' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') return groupList(kinds);
  const version = /^\/(?:api|apis)\/(.+)$/.exec(path)?.[1];
  const resources = kinds.filter((kind) => versionOf(kind) === version).flatMap(resourcesOf);
  if (resources.length === 0 && version !== SCALE_VERSION) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: version, resources };
}

function groupList(kinds: readonly Kind[]): object {
  const named = kinds.filter(({ group }) => group !== '');
  const versions = new Map(named.map((kind) => [kind.group, kind]));
  const groups = [...versions.values()].map((kind) => {
    const version = { groupVersion: versionOf(kind), version: kind.version };
    return { name: kind.group, versions: [version], preferredVersion: version };
  });
  const scale = { groupVersion: SCALE_VERSION, version: 'v1' };
  const withScale = groups.map((group) =>
    group.name === 'autoscaling' ? { ...group, versions: [...group.versions, scale] } : group,
  );
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: withScale };
}

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

function resourcesOf({ kind, plural, shortNames = [], isScaled, isOfCluster }: Kind): object[] {
  const namespaced = isOfCluster !== true;
  const own = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs: VERBS, shortNames };
  if (!isScaled) return [own];
  const of = { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] };
  return [own, { name: `${plural}/scale`, singularName: '', namespaced, ...of }];
}
