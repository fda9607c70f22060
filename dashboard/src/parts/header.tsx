import { useEffect, useState } from 'preact/hooks';
import { duration, timeOfDay } from '../format.ts';
import type { ConnectionState } from '../live/connection.ts';
import type { LiveStore } from '../live/store.ts';
import { chooseTheme, currentTheme, onThemeChange } from '../theme.ts';

interface HeaderProps {
  readonly store: LiveStore;
  readonly connection: ConnectionState;
  readonly retry: () => void;
}

const STATES = { connecting: 'Connecting', live: 'Live', lost: 'Not connected' } as const;

export function Header({ store, connection, retry }: HeaderProps) {
  const { server, startedAt, lastAt, vitals } = store;
  useEffect(() => {
    document.title = server === undefined ? 'Peregrine' : `${server.name} · Peregrine`;
  }, [server?.name]);
  return (
    <header>
      <div class="bar">
        <div class="identity">
          <h1>{server?.name ?? 'Peregrine'}</h1>
          {server && <span class="version">{server.version}</span>}
        </div>
        <dl class="facts">
          <div>
            <dt>Uptime</dt>
            <dd data-testid="uptime">{startedAt > 0 && lastAt > 0 ? duration(lastAt - startedAt) : '–'}</dd>
          </div>
          <div>
            <dt>Connection</dt>
            <dd class={`state ${connection.state}`} data-testid="connection">
              {STATES[connection.state]}
            </dd>
          </div>
        </dl>
        <ThemeSwitch />
      </div>
      <div aria-live="assertive">
        {connection.state === 'lost' && <Lost lost={connection} retry={retry} />}
        {vitals?.overloaded && <p class="banner warning">The server is overloaded: it refuses what waits too long.</p>}
      </div>
    </header>
  );
}

type LostState = Extract<ConnectionState, { readonly state: 'lost' }>;

/** What it says does not change while the connection is lost: it is read aloud once. */
function Lost({ lost, retry }: { readonly lost: LostState; readonly retry: () => void }) {
  return (
    <p class="banner lost" data-testid="lost">
      <span>
        Connection lost at <time dateTime={new Date(lost.since).toISOString()}>{timeOfDay(lost.since)}</time>. What is
        shown is from before; what is missed comes with the connection.
      </span>
      <button type="button" onClick={retry}>
        Retry now
      </button>
    </p>
  );
}

function ThemeSwitch() {
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => onThemeChange(() => setTheme(currentTheme())), []);
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button type="button" class="theme" onClick={() => chooseTheme(other)} aria-label={`Switch to the ${other} theme`}>
      {other === 'dark' ? 'Dark' : 'Light'}
    </button>
  );
}
