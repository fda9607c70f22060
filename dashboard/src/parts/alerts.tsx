import { alertText } from '../../../src/monitor/alerts/alert-text.ts';
import type { AlertRecord } from '../../../src/monitor/vitals.ts';
import { dateAndTime, duration, NONE } from '../format.ts';

const SHOWN = 20;

export function Alerts({ alerts }: { readonly alerts: readonly AlertRecord[] }) {
  const firing = alerts.filter(({ state }) => state === 'firing').length;
  const [latest] = alerts.toSorted((a, b) => changedAt(b) - changedAt(a));
  return (
    <section aria-labelledby="alerts">
      <h2 id="alerts">Alerts {firing > 0 && <span class="badge bad">{firing} firing</span>}</h2>
      <p class="hidden" role="status" data-testid="alert-news">
        {latest && `${latest.state === 'firing' ? 'Alert' : 'Cleared'}: ${alertText(latest)}`}
      </p>
      {alerts.length === 0 ? <p class="empty">None since the server started.</p> : <History alerts={alerts} />}
    </section>
  );
}

function History({ alerts }: { readonly alerts: readonly AlertRecord[] }) {
  return (
    <div class="sheet">
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">What</th>
            <th scope="col">Since</th>
            <th scope="col" class="number wide">
              Lasted
            </th>
          </tr>
        </thead>
        <tbody>
          {inOrder(alerts).map((alert) => (
            <tr key={`${alert.id} ${alert.firedAt}`}>
              <td>
                <span class={alert.state === 'firing' ? 'badge bad' : 'badge'}>{alert.state}</span>
              </td>
              <td>{alertText(alert)}</td>
              <td>{dateAndTime(alert.firedAt)}</td>
              <td class="number wide">{alert.clearedAt === null ? NONE : duration(alert.clearedAt - alert.firedAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Those that fire, then the latest of the others. */
function inOrder(alerts: readonly AlertRecord[]): readonly AlertRecord[] {
  const firing = alerts.filter(({ state }) => state === 'firing');
  const cleared = alerts.filter(({ state }) => state === 'cleared');
  return [...firing, ...cleared.slice(0, SHOWN)];
}

function changedAt({ firedAt, clearedAt }: AlertRecord): number {
  return clearedAt ?? firedAt;
}
