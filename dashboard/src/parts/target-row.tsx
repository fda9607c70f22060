import { Component } from 'preact';
import type { TargetRow } from '../../../src/monitor/vitals.ts';
import { count, milliseconds, percent, perSecond, text } from '../format.ts';
import { cellText, nameOf, TARGET_COLUMNS } from './target-columns.ts';

interface TargetRowsProps {
  readonly id: string;
  readonly row: TargetRow;
  readonly isOpen: boolean;
  readonly toggle: (id: string) => void;
}

/** A row, and what it opens. Drawn again only when it changed: there may be hundreds, each second. */
export class TargetRows extends Component<TargetRowsProps> {
  override shouldComponentUpdate({ row, isOpen }: TargetRowsProps): boolean {
    return row !== this.props.row || isOpen !== this.props.isOpen;
  }

  override render({ id, row, isOpen, toggle }: TargetRowsProps) {
    const detailId = `detail-${id.replace(/\W+/g, '-')}`;
    const [, ...columns] = TARGET_COLUMNS;
    return (
      <>
        <tr class={isOpen ? 'open' : ''}>
          <th scope="row">
            <button type="button" aria-expanded={isOpen} aria-controls={detailId} onClick={() => toggle(id)}>
              {nameOf(row)}
            </button>
          </th>
          {columns.map((column) => (
            <td
              key={column.key}
              class={`${column.format === undefined ? 'method' : 'number'}${column.isWide ? ' wide' : ''}`}
            >
              {cellText(column, row)}
            </td>
          ))}
        </tr>
        <tr id={detailId} class="detail" hidden={!isOpen}>
          {isOpen && (
            <td colSpan={TARGET_COLUMNS.length}>
              <Detail row={row} />
            </td>
          )}
        </tr>
      </>
    );
  }
}

function Detail({ row }: { readonly row: TargetRow }) {
  const { method, target, total, errors, perSecond: rate, responseTime } = row;
  const facts: [string, string][] = [
    ['Method', method],
    ...(target === '' ? [] : [['Name', target] as [string, string]]),
    ['Requests', text(count, total)],
    ['Failed', `${text(count, errors)} (${text(percent, total === 0 ? null : (100 * errors) / total)})`],
    ['Rate', text(perSecond, rate)],
  ];
  return (
    <div class="detail-body">
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {responseTime === null ? <p class="empty">No request in the last minute.</p> : <Times times={responseTime} />}
    </div>
  );
}

/** The times beside each other, as long as they are. */
function Times({ times }: { readonly times: NonNullable<TargetRow['responseTime']> }) {
  const { average, p50, p95, p99 } = times;
  const bars = { Mean: average, P50: p50, P95: p95, P99: p99 };
  const longest = Math.max(...Object.values(bars)) || 1;
  return (
    <dl class="times">
      {Object.entries(bars).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <span class="track" aria-hidden="true">
              <span class="bar-of-time" style={{ width: `${(100 * value) / longest}%` }} />
            </span>
            {text(milliseconds, value)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
