import * as z from 'zod';
import { type FixtureServer, inputRequired, inputResponse } from '../api.ts';
import { textResult } from './samples.ts';

type Elicitation = Parameters<typeof inputRequired.elicit>[0];

const DEFAULTS_FORM: Elicitation = {
  message: 'Please review these values',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
    required: [],
  },
};

const ENUMS_FORM: Elicitation = {
  message: 'Please choose',
  requestedSchema: {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: {
        type: 'string',
        oneOf: [
          { const: 'value1', title: 'First Option' },
          { const: 'value2', title: 'Second Option' },
          { const: 'value3', title: 'Third Option' },
        ],
      },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: {
        type: 'array',
        items: {
          anyOf: [
            { const: 'value1', title: 'First Choice' },
            { const: 'value2', title: 'Second Choice' },
            { const: 'value3', title: 'Third Choice' },
          ],
        },
      },
    },
    required: [],
  },
};

function userForm(message: string): Elicitation {
  return {
    message,
    requestedSchema: {
      type: 'object',
      properties: {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      },
      required: ['username', 'email'],
    },
  };
}

/** Tools of the revisions with sessions, which ask the client by a request of their own. */
export function registerElicitationTools(server: FixtureServer): void {
  server.registerTool(
    'test_sampling',
    { description: "Asks the client's model", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, ctx) => {
      const { content } = await ctx.mcpReq.requestSampling({
        messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
        maxTokens: 100,
      });
      return textResult(`LLM response: ${JSON.stringify(content)}`);
    },
  );

  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user who they are', inputSchema: z.object({ message: z.string() }) },
    ({ message }, ctx) => {
      const view = inputResponse(ctx.mcpReq.inputResponses, 'form');
      if (view.kind !== 'elicit')
        return inputRequired({ inputRequests: { form: inputRequired.elicit(userForm(message)) } });
      return textResult(`User response: action: ${view.action}, content: ${JSON.stringify(view.content ?? {})}`);
    },
  );

  const forms = { test_elicitation_sep1034_defaults: DEFAULTS_FORM, test_elicitation_sep1330_enums: ENUMS_FORM };
  for (const [name, form] of Object.entries(forms)) {
    server.registerTool(name, { description: form.message }, (ctx) => {
      const view = inputResponse(ctx.mcpReq.inputResponses, 'form');
      if (view.kind !== 'elicit') return inputRequired({ inputRequests: { form: inputRequired.elicit(form) } });
      return textResult(`Elicitation completed: action=${view.action}, content=${JSON.stringify(view.content ?? {})}`);
    });
  }
}
