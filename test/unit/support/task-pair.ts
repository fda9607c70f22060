import { inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { sharedState, TaskInstance } from './task-instance.ts';
import { gate, text } from './test-server.ts';

/** Each call is a task, before its handler begins. */
export const AT_ONCE = { immediateMs: 0 } as const;
export const ASKS = inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
/** What a client says that can answer {@link ASKS}. */
export const CAN = { capabilities: { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } };

/** Two instances of one server, with a tool that waits until it is told to go on, or aborted. */
export function two(options = {}) {
  const shared = sharedState();
  const done = gate<string>();
  const aborted: unknown[] = [];
  const instances = ['one', 'two'].map((name) => {
    const instance = new TaskInstance(name, shared, options);
    instance.registry.registerTool('waits', { task: AT_ONCE }, async ({ signal }: ServerContext) => {
      signal.addEventListener('abort', () => aborted.push((signal.reason as Error).message));
      return text(`${name} ${await done.opened}`);
    });
    instance.registry.registerTool('asks', { task: AT_ONCE }, ({ mcpReq }: ServerContext) =>
      mcpReq.inputResponses === undefined ? ASKS : text(`answered on ${name}`),
    );
    return instance;
  });
  const [one, two] = instances as [TaskInstance, TaskInstance];
  return { ...shared, one, two, done, aborted };
}
