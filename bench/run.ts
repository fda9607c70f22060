/** `npm run bench`: see README.md beside this file. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../test/services/install.ts';
import { contenderOf } from './harness/contenders.ts';
import { contenderVersions, machineFacts } from './harness/machine.ts';
import { type Measurement, measureGroup, preflight } from './harness/measure.ts';
import { type BenchOptions, readOptions, USAGE } from './harness/options.ts';
import { Pace } from './harness/pace.ts';
import { profileRow } from './harness/profile.ts';
import { renderExtra, renderGoals, renderTable } from './harness/report.ts';
import { judgeGoals, type RowRounds, summarise } from './harness/statistics.ts';
import { SCENARIOS, type Scenario } from './scenarios/scenarios.ts';
import { TOOLSETS, type Toolset } from './servers/toolsets.ts';
import { type Row, rowKey, type Suite } from './suites/suite.ts';

async function loadSuite(name: string): Promise<Suite> {
  const file = new URL(`./suites/${name}.ts`, import.meta.url);
  if (!/^[a-z\d-]+$/.test(name) || name === 'suite' || !existsSync(file))
    throw new RangeError(`unknown suite ${JSON.stringify(name)}`);
  return ((await import(file.href)) as { suite: Suite }).suite;
}

/** The suite's rows that the options leave, every contender of which exists. */
function selectRows(suite: Suite, { only, scenarios, toolsets }: BenchOptions): Row[] {
  const rows = suite.rows.filter(
    (row) =>
      (only === undefined || only.includes(row.contender)) &&
      (scenarios === undefined || scenarios.includes(row.scenario)) &&
      (toolsets === undefined || toolsets.includes(row.toolset)),
  );
  for (const name of new Set([...(only ?? []), ...rows.map((row) => row.contender)])) contenderOf(name);
  if (rows.length === 0 && suite.rows.length > 0) throw new RangeError('no rows are left to measure');
  return rows;
}

function parseRow(text: string): Row {
  const [contender = '', toolset = '3', scenario = 'call-modern'] = text.split(':');
  contenderOf(contender);
  if (!TOOLSETS.includes(toolset as Toolset)) throw new RangeError(`toolset: one of ${TOOLSETS.join(', ')}`);
  if (!SCENARIOS.includes(scenario as Scenario)) throw new RangeError(`scenario: one of ${SCENARIOS.join(', ')}`);
  return { group: 'alone', contender, toolset: toolset as Toolset, scenario: scenario as Scenario };
}

function progress(row: Row, round: number, rounds: number, measured: Measurement): void {
  const { cpuUs, requestsPerSecond, requests, errors, coreShare } = measured;
  process.stderr.write(
    `round ${round + 1}/${rounds} ${rowKey(row).padEnd(38)} ${cpuUs.toFixed(1).padStart(9)} µs CPU ` +
      `${String(requestsPerSecond).padStart(7)} req/s  ${requests} requests, core ${Math.round(coreShare * 100)} %` +
      `${errors > 0 ? `, ${errors} ERRORS: ${measured.errorSamples.join('; ')}` : ''}\n`,
  );
}

function groupsOf(rows: readonly Row[]): Row[][] {
  return [...new Set(rows.map(({ group }) => group))].map((group) => rows.filter((row) => row.group === group));
}

/** Measures every group of rows in every round; every other round runs backwards, so that no contender always comes first. */
async function measureRounds(
  suite: Suite,
  rows: readonly Row[],
  options: BenchOptions,
): Promise<Map<string, RowRounds>> {
  const measured = new Map<string, RowRounds>(rows.map((row) => [rowKey(row), { row, rounds: [] }]));
  const groups = groupsOf(rows);
  const pace = new Pace(suite.roundMs * options.rounds, groups.length * options.rounds);
  for (let round = 0; round < options.rounds; round++) {
    for (const group of round % 2 === 0 ? groups : groups.map((one) => one.toReversed()).toReversed()) {
      const startMs = performance.now();
      const { requests, measuredMs } = options;
      const measurements = await measureGroup(suite, group, { requests, measuredMs, scale: pace.scale });
      const inSlices = measurements.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
      pace.took(performance.now() - startMs, inSlices);
      for (const [index, row] of group.entries()) {
        const measurement = measurements[index] as Measurement;
        measured.get(rowKey(row))?.rounds.push(measurement);
        progress(row, round, options.rounds, measurement);
      }
    }
  }
  if (pace.least < 1) {
    process.stderr.write(
      `\nThe machine was busy: limits by time shrank to ${pace.least.toFixed(2)} of the suite's. Look at "core %".\n`,
    );
  }
  return measured;
}

function resultFile(suite: Suite, options: BenchOptions, startedAt: Date): string {
  if (options.json !== undefined) return options.json;
  const date = startedAt.toISOString().slice(0, 19).replaceAll(':', '-');
  return fileURLToPath(new URL(`./results/${suite.name}-${date}.json`, import.meta.url));
}

async function bench(suite: Suite, options: BenchOptions): Promise<void> {
  const rows = selectRows(suite, options);
  await install(suite.needs ?? []);
  const startedAt = new Date();
  const machine = machineFacts();
  const contenders = contenderVersions([...new Set(rows.map((row) => row.contender))]);
  await preflight(rows);
  const measured = await measureRounds(suite, rows, options);
  const summaries = summarise(measured);
  const goals = judgeGoals(suite, measured);
  const isWhole = options.only === undefined && options.scenarios === undefined && options.toolsets === undefined;
  const extra = isWhole ? await suite.extra?.({ ms: options.measuredMs }) : undefined;
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1_000);
  const { connections, requests, measuredMs, warmUp } = suite;
  const settings = {
    rounds: options.rounds,
    slices: suite.slices,
    connections,
    requests: options.requests ?? requests,
    measuredMs,
    warmUp,
  };
  const file = resultFile(suite, options, startedAt);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify(
      {
        suite: suite.name,
        startedAt: startedAt.toISOString(),
        seconds,
        machine,
        contenders,
        settings,
        rows: summaries,
        goals,
        ...(extra === undefined ? {} : { extra }),
      },
      undefined,
      2,
    )}\n`,
  );
  if (rows.length > 0)
    console.log(`\n${renderTable(summaries, options.markdown)}\n\n${renderGoals(goals, options.markdown)}\n`);
  if (extra !== undefined) console.log(`${renderExtra(extra, options.markdown)}\n`);
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryMb} MB, ${machine.kernel}, Node.js ${machine.node}, commit ` +
      `${machine.commit}; ${rows.length > 0 ? `${options.rounds} rounds in ` : ''}${seconds} s, medians; written to ${relative(process.cwd(), file)}`,
  );
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') return console.log(USAGE);
  const suite = await loadSuite(options.suite);
  if (options.profile !== undefined) return console.log(await profileRow(suite, parseRow(options.profile), options));
  await bench(suite, options);
}

try {
  await main();
} catch (error) {
  const known =
    error instanceof RangeError || error instanceof TypeError || (error as Error).name === 'WrongAnswerError';
  console.error(known ? (error as Error).message : error);
  process.exit(known && (error as Error).name !== 'WrongAnswerError' ? 2 : 1);
}
