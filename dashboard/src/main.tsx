import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style/page.css';
import './style/parts.css';
import './style/tables.css';
import { App } from './app.tsx';
import { Connection } from './live/connection.ts';
import { Live } from './live/live.ts';
import { restoreTheme } from './theme.ts';

restoreTheme();
const live = new Live();
const connection = new Connection({
  open: () => {
    const url = new URL(`live?since=${live.store.lastAt}`, document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    return new WebSocket(url);
  },
  now: Date.now,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  onMessage: (message) => live.take(message),
  onState: (state) => live.enter(state),
});
const root = document.getElementById('app');
if (root) render(<App live={live} retry={() => connection.retry()} />, root);
connection.start();
for (const name of ['online', 'focus']) addEventListener(name, () => connection.retry());
