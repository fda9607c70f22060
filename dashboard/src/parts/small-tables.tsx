import type { ComponentChild } from 'preact';
import type { Vitals } from '../../../src/monitor/vitals.ts';
import { count, text } from '../format.ts';

const COLORS = { closed: 'good', 'half-open': 'warn', open: 'bad' } as const;

export function Breakers({ breakers }: Pick<Vitals, 'breakers'>) {
  return (
    <Small id="breakers" title="Circuit breakers" head={['Breaker', 'State']}>
      {Object.entries(breakers).map(([name, state]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>
            <span class={`badge ${COLORS[state]}`}>{state}</span>
          </td>
        </tr>
      ))}
    </Small>
  );
}

/** What the author recorded. */
export function CustomMetrics({ custom }: Pick<Vitals, 'custom'>) {
  return (
    <Small id="custom" title="Custom metrics" head={['Metric', 'Value']}>
      {Object.entries(custom).map(([name, value]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>{text(count, value)}</td>
        </tr>
      ))}
    </Small>
  );
}

interface SmallProps {
  readonly id: string;
  readonly title: string;
  readonly head: readonly string[];
  readonly children: ComponentChild[];
}

function Small({ id, title, head, children }: SmallProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children.length === 0 ? (
        <p class="empty">There are none.</p>
      ) : (
        <div class="sheet">
          <table>
            <thead>
              <tr>
                {head.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}
