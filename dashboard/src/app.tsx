import { type Live, useLive } from './live/live.ts';
import { Alerts } from './parts/alerts.tsx';
import { Charts } from './parts/charts.tsx';
import { Header } from './parts/header.tsx';
import { Instances } from './parts/instances.tsx';
import { Breakers, CustomMetrics } from './parts/small-tables.tsx';
import { Targets } from './parts/targets.tsx';
import { Tiles } from './parts/tiles.tsx';

export function App({ live, retry }: { readonly live: Live; readonly retry: () => void }) {
  useLive(live);
  const { store, connection } = live;
  const { vitals } = store;
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header store={store} connection={connection} retry={retry} />
      <main id="main" tabIndex={-1}>
        <Tiles store={store} />
        <Alerts alerts={store.alerts} />
        <Charts store={store} />
        <Targets targets={store.targets} />
        <Instances instances={store.instances} now={store.lastAt} />
        <div class="columns">
          <Breakers breakers={vitals?.breakers ?? {}} />
          <CustomMetrics custom={vitals?.custom ?? {}} />
        </div>
      </main>
      <footer>
        {store.server === undefined ? 'Peregrine' : `Peregrine ${store.server.peregrine}`}
        <span>Times are of this computer; figures of the server, once a second.</span>
      </footer>
    </>
  );
}
