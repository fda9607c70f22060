import { useCallback, useMemo, useState } from 'preact/hooks';
import type { TargetRow } from '../../../src/monitor/vitals.ts';
import { arrange, TARGET_COLUMNS, type TargetColumn, type TargetOrder } from './target-columns.ts';
import { TargetRows } from './target-row.tsx';

/** More rows than a person reads; the filter finds the others. */
const SHOWN = 250;

export function Targets({ targets }: { readonly targets: ReadonlyMap<string, TargetRow> }) {
  const [order, setOrder] = useState<TargetOrder>({ key: 'perSecond', isDescending: true });
  const [filter, setFilter] = useState('');
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((key: string) => setOpen((keys) => toggled(keys, key)), []);
  const rows = useMemo(() => arrange(targets.values(), filter, order), [targets, filter, order]);
  const shown = rows.slice(0, SHOWN);
  return (
    <section aria-labelledby="targets" class="far">
      <div class="heading">
        <h2 id="targets">Tools, resources and prompts</h2>
        <label class="filter">
          <span>Filter</span>
          <input type="search" value={filter} onInput={({ currentTarget }) => setFilter(currentTarget.value)} />
        </label>
        <span role="status" class="matches">
          {filter === '' && shown.length === rows.length
            ? `${rows.length}`
            : `${shown.length} of ${filter === '' ? rows.length : targets.size}`}
        </span>
      </div>
      <div class="sheet">
        <table class="targets">
          <thead>
            <tr>
              {TARGET_COLUMNS.map((column) => (
                <Head key={column.key} column={column} order={order} choose={setOrder} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const key = `${row.method} ${row.target}`;
              return <TargetRows key={key} id={key} row={row} isOpen={open.has(key)} toggle={toggle} />;
            })}
          </tbody>
        </table>
        {rows.length === 0 && <p class="empty">{filter === '' ? 'Nothing was asked for yet.' : 'Nothing fits.'}</p>}
      </div>
    </section>
  );
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const others = [...keys].filter((other) => other !== key);
  return new Set(keys.has(key) ? others : [...others, key]);
}

interface HeadProps {
  readonly column: TargetColumn;
  readonly order: TargetOrder;
  readonly choose: (order: TargetOrder) => void;
}

function Head({ column: { key, title, format, isWide }, order, choose }: HeadProps) {
  const isChosen = order.key === key;
  const sorted = isChosen ? (order.isDescending ? 'descending' : 'ascending') : 'none';
  // Of numbers the great ones are looked for, of names the first.
  const next = { key, isDescending: isChosen ? !order.isDescending : format !== undefined };
  const classes = `${format === undefined ? key : 'number'}${isWide ? ' wide' : ''}`;
  return (
    <th scope="col" aria-sort={sorted} class={classes}>
      <button type="button" onClick={() => choose(next)}>
        {title}
        <span class="arrow" aria-hidden="true">
          {isChosen ? (order.isDescending ? '▼' : '▲') : ''}
        </span>
      </button>
    </th>
  );
}
