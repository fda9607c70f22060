import type { FixtureServer } from '../api.ts';
import { registerContentTools } from './content-tools.ts';
import { registerElicitationTools } from './elicitation-tools.ts';
import { registerInputTools } from './input-tools.ts';
import { registerNotifyTools } from './notify-tools.ts';
import { registerPrompts } from './prompts.ts';
import { registerResources } from './resources.ts';
import { registerSchemaTools } from './schema-tools.ts';
import { registerTaskTools } from './task-tools.ts';

/** Registers everything that the conformance suite looks for on a server. The suite's header checks call the first tool. */
export function registerFixture(server: FixtureServer): void {
  registerContentTools(server);
  registerNotifyTools(server);
  registerInputTools(server);
  registerElicitationTools(server);
  registerSchemaTools(server);
  registerResources(server);
  registerPrompts(server);
  registerTaskTools(server);
}
