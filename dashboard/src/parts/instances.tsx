import type { InstanceState } from '../../../src/monitor/live-protocol.ts';
import { bytes, duration, milliseconds, percent, perSecond, text } from '../format.ts';

interface InstancesProps {
  readonly instances: readonly InstanceState[];
  readonly now: number;
}

export function Instances({ instances, now }: InstancesProps) {
  return (
    <section aria-labelledby="instances">
      <h2 id="instances">Instances</h2>
      <div class="sheet">
        <table>
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Requests
              </th>
              <th scope="col" class="number">
                P99
              </th>
              <th scope="col" class="number wide">
                Errors
              </th>
              <th scope="col" class="number wide">
                CPU
              </th>
              <th scope="col" class="number wide">
                Event loop
              </th>
              <th scope="col" class="number wide">
                Memory
              </th>
              <th scope="col" class="number wide">
                Uptime
              </th>
            </tr>
          </thead>
          <tbody>
            {instances.map((instance) => (
              <Row key={instance.name} instance={instance} now={now} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const COLORS = { ready: 'good', starting: '', draining: '', 'not-ready': 'bad', gone: 'bad' } as const;

function Row({ instance, now }: { readonly instance: InstanceState; readonly now: number }) {
  const { name, state, reasons, degraded, startedAt, vitals } = instance;
  const color = state === 'ready' && degraded.length > 0 ? 'warn' : COLORS[state];
  return (
    <tr>
      <th scope="row">{name || 'This server'}</th>
      <td>
        <span class={`badge ${color}`}>{state}</span>
        <span class="why">{[...reasons, ...degraded].join(', ')}</span>
      </td>
      <td class="number">{text(perSecond, vitals?.requests.perSecond)}</td>
      <td class="number">{text(milliseconds, vitals?.responseTime?.p99)}</td>
      <td class="number wide">{text(percent, toPercent(vitals?.requests.errorRate))}</td>
      <td class="number wide">{text(percent, vitals?.cpu.usage)}</td>
      <td class="number wide">{text(percent, toPercent(vitals?.eventLoop.utilization))}</td>
      <td class="number wide">{text(bytes, vitals?.memory.resident)}</td>
      <td class="number wide">{now > 0 ? duration(now - startedAt) : ''}</td>
    </tr>
  );
}

function toPercent(share: number | null | undefined): number | null {
  return share === null || share === undefined ? null : 100 * share;
}
