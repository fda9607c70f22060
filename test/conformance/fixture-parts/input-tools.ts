import * as z from 'zod';
import { acceptedContent, type FixtureContext, type FixtureServer, inputRequired, inputResponse } from '../api.ts';
import { textResult } from './samples.ts';

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
const NAME_SCHEMA = z.object({ name: z.string() });
const COLOR_SCHEMA = z.object({ color: z.string() });
const CONFIRM_SCHEMA = z.object({ ok: z.boolean() });

function askForName(message: string) {
  return inputRequired.elicit({ message, requestedSchema: NAME_SCHEMA });
}

function askModel(text: string, maxTokens: number) {
  return inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens });
}

/** The text of a sampling response, or undefined where there is none. */
function sampledText(ctx: FixtureContext, key: string): string | undefined {
  const view = inputResponse(ctx.mcpReq.inputResponses, key);
  if (view.kind !== 'sampling') return undefined;
  const blocks = [view.result.content].flat() as { type: string; text?: string }[];
  return blocks.map((block) => block.text ?? `[${block.type}]`).join('');
}

/** The names of the client's roots, or undefined where it told none. */
function rootNames(ctx: FixtureContext, key: string): string | undefined {
  const view = inputResponse(ctx.mcpReq.inputResponses, key);
  if (view.kind !== 'roots') return undefined;
  return (view.roots as { uri: string; name?: string }[]).map((root) => root.name ?? root.uri).join(', ');
}

/** Tools that need an answer from the client before they can give theirs. */
export function registerInputTools(server: FixtureServer): void {
  registerSingleQuestions(server);
  registerStatefulQuestions(server);
  registerSeveralQuestions(server);
  registerCapabilityTools(server);
}

function registerSingleQuestions(server: FixtureServer): void {
  server.registerTool('test_input_required_result_elicitation', { description: 'Asks the user for a name' }, (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_name', NAME_SCHEMA);
    if (given === undefined) return inputRequired({ inputRequests: { user_name: askForName('What is your name?') } });
    return textResult(`Hello, ${given.name}!`);
  });

  server.registerTool('test_input_required_result_sampling', { description: 'Asks the model for a capital' }, (ctx) => {
    const answer = sampledText(ctx, 'capital_question');
    if (answer === undefined) {
      return inputRequired({ inputRequests: { capital_question: askModel('What is the capital of France?', 100) } });
    }
    return textResult(`The model says: ${answer}`);
  });

  server.registerTool(
    'test_input_required_result_list_roots',
    { description: 'Asks the client for its roots' },
    (ctx) => {
      const names = rootNames(ctx, 'client_roots');
      if (names === undefined) return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
      return textResult(`Roots: ${names}`);
    },
  );
}

function registerStatefulQuestions(server: FixtureServer): void {
  for (const name of ['test_input_required_result_request_state', 'test_input_required_result_tampered_state']) {
    server.registerTool(name, { description: 'Asks for a confirmation and remembers that it did' }, (ctx) => {
      const confirmed = acceptedContent(ctx.mcpReq.inputResponses, 'confirm', CONFIRM_SCHEMA);
      if (confirmed === undefined || ctx.mcpReq.requestState<string>() !== 'asked-to-confirm') {
        return inputRequired({
          inputRequests: {
            confirm: inputRequired.elicit({ message: 'Please confirm', requestedSchema: CONFIRM_SCHEMA }),
          },
          requestState: 'asked-to-confirm',
        });
      }
      return textResult(`state-ok, ${confirmed.ok ? 'confirmed' : 'refused'}`);
    });
  }

  server.registerTool(
    'test_input_required_result_multi_round',
    { description: 'Asks twice, one after the other' },
    (ctx) => {
      const { inputResponses } = ctx.mcpReq;
      const asked = ctx.mcpReq.requestState<string>();
      if (asked === undefined) return firstRound();
      if (asked === 'round-1') {
        const given = acceptedContent(inputResponses, 'step1', NAME_SCHEMA);
        return given === undefined ? firstRound() : secondRound(given.name);
      }
      const name = asked.slice('round-2:'.length);
      const given = acceptedContent(inputResponses, 'step2', COLOR_SCHEMA);
      return given === undefined ? secondRound(name) : textResult(`${name} likes ${given.color}`);
    },
  );
}

function firstRound() {
  return inputRequired({ inputRequests: { step1: askForName('Step 1: What is your name?') }, requestState: 'round-1' });
}

function secondRound(name: string) {
  return inputRequired({
    inputRequests: {
      step2: inputRequired.elicit({ message: 'Step 2: What is your favorite color?', requestedSchema: COLOR_SCHEMA }),
    },
    requestState: `round-2:${name}`,
  });
}

function registerSeveralQuestions(server: FixtureServer): void {
  server.registerTool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks three things at once' },
    (ctx) => {
      const user = acceptedContent(ctx.mcpReq.inputResponses, 'user_name', NAME_SCHEMA);
      const greeting = sampledText(ctx, 'greeting');
      const names = rootNames(ctx, 'client_roots');
      if (user === undefined || greeting === undefined || names === undefined) {
        return inputRequired({
          inputRequests: {
            user_name: askForName('What is your name?'),
            greeting: askModel('Generate a greeting', 50),
            client_roots: inputRequired.listRoots(),
          },
          requestState: 'asked-three-things',
        });
      }
      return textResult(`${greeting} ${user.name}, your roots are ${names}`);
    },
  );
}

function registerCapabilityTools(server: FixtureServer): void {
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks only what the client can answer' },
    (ctx) => {
      const envelope: Record<string, unknown> = { ...ctx.mcpReq.envelope };
      const declared: Record<string, unknown> = { ...(envelope[CAPABILITIES_KEY] as object | undefined) };
      const { inputResponses } = ctx.mcpReq;
      if (inputResponses !== undefined) return textResult(`Answers: ${Object.keys(inputResponses).join(', ')}`);
      const inputRequests = {
        ...(declared.elicitation !== undefined && { user_name: askForName('What is your name?') }),
        ...(declared.sampling !== undefined && { greeting: askModel('Generate a greeting', 50) }),
        ...(declared.roots !== undefined && { client_roots: inputRequired.listRoots() }),
      };
      if (Object.keys(inputRequests).length === 0) return textResult('This client answers no questions');
      return inputRequired({ inputRequests });
    },
  );

  server.registerTool('test_missing_capability', { description: 'Cannot do without sampling' }, (ctx) => {
    const answer = sampledText(ctx, 'needed');
    return answer === undefined
      ? inputRequired({ inputRequests: { needed: askModel('Say hello', 10) } })
      : textResult(answer);
  });

  server.registerTool('test_streaming_elicitation', { description: 'Logs, then asks the user' }, async (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_name', NAME_SCHEMA);
    if (given !== undefined) return textResult(`Hello, ${given.name}!`);
    await ctx.mcpReq.log('info', 'About to ask the user');
    return inputRequired({ inputRequests: { user_name: askForName('What is your name?') } });
  });
}
