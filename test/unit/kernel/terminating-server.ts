/** A process that is to be ended by signals, in the manner that its argument names. It tells its parent what happens. */
import { onTermination } from '../../../src/kernel/process-signals.ts';
import { gate, serverWith, text } from '../support/test-server.ts';

const tell = (event: string, value?: unknown): void => void process.send?.({ event, value });
const manner = process.argv[2];

async function serve(): Promise<void> {
  const released = gate();
  const server = serverWith(
    (each) =>
      each.registerTool('hold', {}, async () => {
        tell('entered');
        await released.opened;
        return text('finished');
      }),
    { http: { port: 0 } },
  );
  const { url } = await server.start();
  process.on('message', () => released.open());
  tell('ready', url);
}

function shutdowns(): void {
  const keepAlive = setInterval(() => {}, 60_000);
  const undo = onTermination(async () => tell('first'));
  const second = onTermination(async () => {
    tell('second');
    if (manner === 'fails') throw new Error('a shutdown that fails');
  });
  if (manner === 'forgets' || manner === 'forgets one') undo();
  if (manner === 'forgets') {
    undo();
    second();
  }
  void keepAlive;
  tell('ready');
}

if (manner === 'serves') await serve();
else shutdowns();
for (const name of ['SIGTERM', 'SIGINT'] as const) if (manner !== 'forgets') process.on(name, () => tell('signalled'));
