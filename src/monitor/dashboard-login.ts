import type { IncomingMessage } from 'node:http';

const COOKIE = 'peregrine_dashboard';
const MAX_FORM_BYTES = 4_096;

/** Asks for the token. */
export function loginPage(problem = ''): string {
  const note = problem === '' ? '' : `<p role="alert">${problem}</p>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Peregrine: log in</title>
<main>
<h1>Peregrine dashboard</h1>
${note}
<form method="post" action="login">
<p><label>Token <input type="password" name="token" required autofocus autocomplete="current-password"></label>
<button>Log in</button></p>
</form>
</main>
</html>
`;
}

/** The token that the form on {@link loginPage} sent; empty when it is not that form. */
export async function readToken(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > MAX_FORM_BYTES) return '';
    pieces.push(piece);
  }
  return new URLSearchParams(Buffer.concat(pieces).toString()).get('token') ?? '';
}

/** A cookie that scripts cannot read and that no other site's page can send. */
export function setSession(session: string): string {
  return `${COOKIE}=${session}; Path=/; HttpOnly; SameSite=Strict`;
}

/** The session in a `Cookie` field. */
export function sessionOf(field = ''): string | undefined {
  for (const pair of field.split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === COOKIE) return value;
  }
  return undefined;
}
