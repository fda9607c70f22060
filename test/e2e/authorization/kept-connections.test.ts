import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { PEOPLE, stage } from './people.ts';

/** Sends requests on one connection, all before the first answer, and reads the status and body of each. */
async function pipeline(url: URL, tokens: readonly (string | undefined)[]): Promise<[status: number, body: string][]> {
  const socket = connect(Number(url.port), url.hostname);
  onTestFinished(() => void socket.destroy());
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } });
  const requests = tokens.map((token) =>
    [
      ...[`POST ${url.pathname} HTTP/1.1`, `Host: ${url.host}`, 'Content-Type: application/json'],
      ...['Accept: application/json, text/event-stream', 'MCP-Protocol-Version: 2025-06-18'],
      ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
      ...[`Content-Length: ${body.length}`, '', body],
    ].join('\r\n'),
  );
  socket.setEncoding('utf8').write(requests.join(''));
  const answers: [number, string][] = [];
  let text = '';
  while (answers.length < tokens.length) {
    const [chunk] = (await once(socket, 'data')) as [string];
    text += chunk;
    for (let whole = cut(text); whole !== undefined; whole = cut(text)) {
      answers.push([whole.status, whole.body]);
      text = whole.rest;
    }
  }
  return answers;
}

function cut(text: string): { status: number; body: string; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1]);
  if (end === -1 || text.length < end + 4 + length) return undefined;
  return {
    status: Number(text.slice(9, 12)),
    body: text.slice(end + 4, end + 4 + length),
    rest: text.slice(end + 4 + length),
  };
}

it('refuses a token without the required scopes each time, on a connection that repeats its header', async () => {
  const { url, tokens } = await stage({}, { requiredScopes: ['notes'] });
  const [person = ''] = PEOPLE;
  const answers = await pipeline(
    url,
    Array.from({ length: 4 }, () => tokens.get(person)),
  );
  expect(answers.map(([status]) => status)).toEqual([403, 403, 403, 403]);
});

it('knows each request by its own token, however they follow each other on a connection', async () => {
  const { url, tokens } = await stage();
  const [ada = '', bob = ''] = PEOPLE;
  const order = [ada, ada, bob, undefined, bob, ada, 'nobody', ada];
  const answers = await pipeline(
    url,
    order.map((who) => (who === 'nobody' ? 'made.up.token' : who && tokens.get(who))),
  );
  const seen = answers.map(([status, body]) => (status === 200 ? JSON.parse(body).result.content[0].text : status));
  expect(seen).toEqual([ada, ada, bob, 401, bob, ada, 401, ada]);
});
