import { acceptedContent, inputRequired, inputResponse, type OptimizedMCPServer } from 'peregrine-mcp';
import * as z from 'zod';
import { textResult } from './sample-tools.ts';

const NAME_SCHEMA = z.object({ name: z.string() });

function askName(message: string) {
  return inputRequired.elicit({ message, requestedSchema: NAME_SCHEMA });
}

/** A tool, a prompt and a resource that ask the client for something before they answer. */
export function registerRounds(server: OptimizedMCPServer): void {
  registerRoundTools(server);

  server.registerPrompt('ask_topic', { description: 'Asks for a topic first' }, (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'topic', NAME_SCHEMA);
    if (given === undefined) return inputRequired({ inputRequests: { topic: askName('Which topic?') } });
    return { messages: [{ role: 'user', content: { type: 'text', text: `Write about ${given.name}.` } }] };
  });

  server.registerResource('secret', 'memo://secret', { description: 'Asks who is there' }, (uri, ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'who', NAME_SCHEMA);
    if (given === undefined) return inputRequired({ inputRequests: { who: askName('Who is there?') } });
    return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: `for ${given.name} only` }] };
  });
}

function registerRoundTools(server: OptimizedMCPServer): void {
  server.registerTool('ask_name', { description: 'Asks for a name' }, (ctx) => {
    const view = inputResponse(ctx.mcpReq.inputResponses, 'name');
    if (view.kind !== 'elicit') return inputRequired({ inputRequests: { name: askName('Your name?') } });
    return textResult(view.action === 'accept' ? `Hello, ${view.content?.name}!` : `You ${view.action}.`);
  });

  server.registerTool('ask_everything', { description: 'Asks the user, the model and the client at once' }, (ctx) => {
    const user = acceptedContent(ctx.mcpReq.inputResponses, 'user', NAME_SCHEMA);
    const model = inputResponse(ctx.mcpReq.inputResponses, 'model');
    const roots = inputResponse(ctx.mcpReq.inputResponses, 'roots');
    if (user === undefined || model.kind !== 'sampling' || roots.kind !== 'roots') {
      return inputRequired({
        inputRequests: {
          user: askName('Your name?'),
          model: inputRequired.createMessage({
            messages: [{ role: 'user', content: { type: 'text', text: 'Greet somebody' } }],
            maxTokens: 20,
          }),
          roots: inputRequired.listRoots(),
        },
      });
    }
    return textResult(JSON.stringify({ user: user.name, model: model.result.content, roots: roots.roots }));
  });

  server.registerTool(
    'ask_twice',
    { description: 'Asks two names, one after the other', inputSchema: z.object({ between: z.string() }) },
    ({ between }, ctx) => {
      const given = acceptedContent(ctx.mcpReq.inputResponses, 'name', NAME_SCHEMA)?.name;
      const first = ctx.mcpReq.requestState<string>();
      if (given === undefined) return inputRequired({ inputRequests: { name: askName('First name?') } });
      if (first === undefined) {
        return inputRequired({ inputRequests: { name: askName('Second name?') }, requestState: given });
      }
      return textResult(`${first} ${between} ${given}`);
    },
  );
}
