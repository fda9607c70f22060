import { expect, it } from 'vitest';
import { z } from 'zod';
import { acceptedContent, inputRequired, type OptimizedMCPServer, ResourceTemplate } from '../../../src/index.ts';
import { TASKS_EXTENSION } from '../../../src/wire/wire.ts';
import { callTool, eventsOf, modern, openModern, readReply } from '../../unit/support/http.ts';
import { type Rpc, textOf } from '../../unit/support/messages.ts';
import { type EventReader, SessionClient } from '../../unit/support/session-client.ts';
import { text } from '../../unit/support/test-server.ts';
import { PEOPLE, stage } from './people.ts';

const WORD = z.object({ word: z.string() });
const FORM = { message: 'The word?', requestedSchema: WORD };
const PLAIN_FORM = {
  message: 'The word?',
  requestedSchema: { type: 'object', properties: { word: { type: 'string' } } },
};
const CAN = { capabilities: { elicitation: {}, extensions: { [TASKS_EXTENSION]: {} } } };
const said = (word: string) => ({ action: 'accept', content: { word } });

/** Tools that ask, in all ways there are, and notes that can be watched. */
function furnish(server: OptimizedMCPServer): void {
  server.registerTool('question', {}, async ({ mcpReq, auth }) => {
    const { content } = await mcpReq.elicitInput(PLAIN_FORM);
    return text(`${auth?.subject} said ${content?.['word']}`);
  });
  server.registerTool('job', { task: { required: true, immediateMs: 0 } }, ({ mcpReq, auth }) => {
    const given = acceptedContent(mcpReq.inputResponses, 'word', WORD);
    if (given === undefined) return inputRequired({ inputRequests: { word: inputRequired.elicit(FORM) } });
    return text(`${auth?.subject} worked with ${given.word}`);
  });
  server.registerTool('round', {}, ({ mcpReq, auth }) => {
    const state = mcpReq.requestState();
    return state === undefined
      ? inputRequired({ requestState: `the state of ${auth?.subject}` })
      : text(`${auth?.subject} had ${state}`);
  });
  server.registerResource('note', new ResourceTemplate('note:///{who}', { list: undefined }), {}, (uri) => ({
    contents: [{ uri: uri.href, text: '' }],
  }));
}

/** One of a hundred, with something open of each kind. */
interface Person {
  readonly name: string;
  readonly server: OptimizedMCPServer;
  readonly session: SessionClient;
  readonly listening: EventReader;
  readonly answering: EventReader;
  readonly question: Rpc;
  readonly eventIds: readonly string[];
  readonly taskId: string;
  readonly requestState: string;
}

/** A server as a person reaches it: over HTTP, with a token of its own. */
function reachedBy(token: string | undefined, url: URL): OptimizedMCPServer {
  const send = async (request: Request): Promise<Response> => {
    const headers = new Headers(request.headers);
    headers.set('Authorization', `Bearer ${token}`);
    const body = request.method === 'POST' ? { body: await request.text() } : {};
    return fetch(url, { method: request.method, headers, signal: request.signal, ...body });
  };
  return { fetch: send } as unknown as OptimizedMCPServer;
}

async function enter(name: string, server: OptimizedMCPServer): Promise<Person> {
  const session = await SessionClient.open(server, { capabilities: { elicitation: {} } });
  const listening = await session.listen();
  const first = await listening.next();
  await session.request('resources/subscribe', { uri: `note:///${name}` });
  const answering = await session.stream('question');
  const opened = await answering.next();
  const question = (await answering.message()) as Rpc;
  const { result } = await callTool(server, 'job', {}, CAN);
  const round = await callTool(server, 'round', {}, CAN);
  return {
    ...{ name, server, session, listening, answering, question },
    eventIds: [first?.id, opened?.id, answering.lastId] as string[],
    taskId: String(result?.['taskId']),
    requestState: String(round.result?.['requestState']),
  };
}

/** Tries all that somebody could who knows every id of somebody else. */
async function attack({ server, session }: Person, victim: Person): Promise<void> {
  const stolen = { 'Mcp-Session-Id': victim.session.sessionId as string };
  const inStolen = [
    session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, stolen),
    session.post({ jsonrpc: '2.0', id: victim.question.id, result: said('stolen') }, stolen),
    session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } }, stolen),
    session.post(
      { jsonrpc: '2.0', id: 1, method: 'resources/unsubscribe', params: { uri: `note:///${victim.name}` } },
      stolen,
    ),
    session.get(stolen),
    ...victim.eventIds.map((id) => session.get({ ...stolen, 'Last-Event-ID': id })),
    session.delete(stolen),
  ];
  expect((await Promise.all(inStolen)).map(({ status }) => status)).toEqual(inStolen.map(() => 404));

  // From its own session: what another was asked, what another was sent.
  expect((await session.post({ jsonrpc: '2.0', id: victim.question.id, result: said('stolen') })).status).toBe(202);
  const [, opened, asked] = victim.eventIds;
  for (const id of [opened, asked]) expect((await session.get({ 'Last-Event-ID': id as string })).status).toBe(400);

  const { taskId, requestState } = victim;
  const inputResponses = { word: said('stolen') };
  for (const [method, params] of [
    ['tasks/get', { taskId }],
    ['tasks/update', { taskId, inputResponses }],
    ['tasks/cancel', { taskId }],
  ] as const)
    expect((await modern(server, method, params, CAN)).error?.code).toBe(-32602);
  const leave = new AbortController();
  const listen = { notifications: { taskIds: [taskId] } };
  const events = eventsOf(await openModern(server, 'subscriptions/listen', listen, { ...CAN, signal: leave.signal }));
  expect(((await events.next()).value as Rpc).params?.['notifications']).toEqual({});
  leave.abort();
  const params = { name: 'round', arguments: {}, requestState };
  expect((await modern(server, 'tools/call', params, CAN)).error?.code).toBe(-32602);
}

/** What each has is as it was, and its own. */
async function finish({ name, server, session, question, answering, taskId, requestState }: Person): Promise<void> {
  await session.answer(question, said(name));
  expect(textOf((await answering.message()) as Rpc)).toBe(`${name} said ${name}`);
  const params = { name: 'round', arguments: {}, requestState };
  expect(textOf(await modern(server, 'tools/call', params, CAN))).toBe(`${name} had the state of ${name}`);
  const listen = { notifications: { taskIds: [taskId] } };
  const events = eventsOf(await openModern(server, 'subscriptions/listen', listen, CAN));
  await modern(server, 'tasks/update', { taskId, inputResponses: { word: said(name) } }, CAN);
  for await (const { params: told } of events) if (told?.['status'] === 'completed') break;
  const { result } = await modern(server, 'tasks/get', { taskId }, CAN);
  expect(result).toMatchObject({ status: 'completed', result: text(`${name} worked with ${name}`) });
}

it('keeps a hundred people apart who know all ids of each other', async () => {
  const { server, url, tokens } = await stage({ sessions: true });
  furnish(server);
  const people = await Promise.all(PEOPLE.map((name) => enter(name, reachedBy(tokens.get(name), url))));
  const idsOf = (one: keyof Person) => new Set(people.map((person) => person[one]));
  expect([
    idsOf('taskId').size,
    idsOf('requestState').size,
    new Set(people.map(({ session }) => session.sessionId)).size,
  ]).toEqual([PEOPLE.length, PEOPLE.length, PEOPLE.length]);
  await Promise.all(people.map((person, index) => attack(person, people.at(index - 1) as Person)));
  const kept = await Promise.all(
    people.map(async ({ name, server: its }) => [name, await callTool(its, 'mine', { key: 'k' })] as const),
  );
  for (const [name, reply] of kept) expect(textOf(reply)).toBe(`k of ${name}`);
  await Promise.all(people.map(finish));
  for (const name of PEOPLE) server.sendResourceUpdated({ uri: `note:///${name}` });
  server.sendToolListChanged();
  await Promise.all(
    people.map(async ({ name, listening, session }) => {
      const told = [await listening.message(), await listening.message()];
      const uris = told
        .filter((one) => one?.method === 'notifications/resources/updated')
        .map((one) => one?.params?.['uri']);
      expect(uris).toEqual([`note:///${name}`]);
      expect((await readReply(await session.delete())).status).toBe(200);
      expect(await listening.rest()).toEqual([]);
    }),
  );
});
