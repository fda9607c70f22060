import type { ResolvedAuthorization } from './options.ts';

/** The document by which clients find the authorization servers of a resource (RFC 9728, 2). */
export function resourceMetadata(
  resource: string,
  { authorizationServers, resourceName, resourceDocumentation }: ResolvedAuthorization,
  scopes: readonly string[],
  name: string,
): Record<string, unknown> {
  return {
    resource,
    authorization_servers: authorizationServers,
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: resourceName ?? name,
    ...(resourceDocumentation === undefined ? {} : { resource_documentation: resourceDocumentation }),
  };
}
