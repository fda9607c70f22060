import * as z from 'zod';
import { acceptedContent, completable, type FixtureServer, inputRequired } from '../api.ts';
import { PNG_BASE64 } from './samples.ts';

const FIRST_ARGUMENTS = ['paris', 'park', 'party', 'test'];
const CONTEXT_SCHEMA = z.object({ context: z.string() });

/** The prompts that the suite gets and completes. */
export function registerPrompts(server: FixtureServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments' }, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'This is a simple prompt for testing.' } }],
  }));

  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'A prompt with two arguments',
      argsSchema: z.object({
        arg1: completable(z.string().describe('First test argument'), (typed) =>
          FIRST_ARGUMENTS.filter((value) => value.startsWith(typed)),
        ),
        arg2: z.string().describe('Second test argument'),
      }),
    },
    ({ arg1, arg2 }) => ({
      messages: [
        { role: 'user', content: { type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` } },
      ],
    }),
  );

  registerMediaPrompts(server);
  registerAskingPrompt(server);
}

function registerMediaPrompts(server: FixtureServer): void {
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A prompt which embeds a resource',
      argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource to embed') }),
    },
    ({ resourceUri }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
          },
        },
        { role: 'user', content: { type: 'text', text: 'Please process the embedded resource above.' } },
      ],
    }),
  );

  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with an image' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: PNG_BASE64, mimeType: 'image/png' } },
      { role: 'user', content: { type: 'text', text: 'Please analyze the image above.' } },
    ],
  }));
}

function registerAskingPrompt(server: FixtureServer): void {
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks for context first' },
    (ctx) => {
      const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_context', CONTEXT_SCHEMA);
      if (given === undefined) {
        return inputRequired({
          inputRequests: {
            user_context: inputRequired.elicit({
              message: 'What context should the prompt use?',
              requestedSchema: CONTEXT_SCHEMA,
            }),
          },
        });
      }
      return { messages: [{ role: 'user', content: { type: 'text', text: `Use this context: ${given.context}` } }] };
    },
  );
}
