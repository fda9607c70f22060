// The rules of layering, generated from the table in layers.json. Change the table, not this file.
import { readFileSync } from 'node:fs';

const table = JSON.parse(readFileSync(new URL('./layers.json', import.meta.url), 'utf8'));
const folders = Object.keys(table.layers);
const files = Object.keys(table.files);
const without = (names, dropped) => names.filter((name) => !dropped.includes(name));
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

const pathOf = (name) => (files.includes(name) ? `^src/${name}\\.ts$` : `^src/${name}/`);
const adapters = '^src/.+/adapter/';
const npm = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];
const packagePath = (name) => `(^|/)node_modules/${escaped(name)}/`;

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** The dashboard's page, and what it shares with the server: code that runs in browsers. */
const DASHBOARD = '^dashboard/';
const SHARED = '^src/monitor/(?:history|live-protocol|vitals|alerts/alert-text)\\.ts$';

/** Who may import whom. */
const layerRule = (name, allowed) =>
  rule(
    `layer-${name}`,
    `${name} may import only: ${allowed.join(', ') || 'nothing'}`,
    { path: pathOf(name) },
    { path: '^src/', pathNot: [name, ...allowed].map(pathOf) },
  );
const layerRules = [
  ...folders.map((name) => layerRule(name, table.layers[name])),
  ...files.map((name) => {
    const { anyFolderBut, files: otherFiles } = table.files[name];
    return layerRule(name, [...without(folders, anyFolderBut), ...otherFiles]);
  }),
];

/** A folder is entered only through its contract file. */
const entryRules = without(folders, table.enteredThroughAnyFile).map((name) =>
  rule(
    `entry-${name}`,
    `src/${name}/ is entered only through src/${name}/${name}.ts`,
    { pathNot: [pathOf(name), DASHBOARD] },
    { path: pathOf(name), pathNot: `^src/${name}/${name}\\.ts$` },
  ),
);

const nobodyRules = table.importedByNobody.map((name) =>
  rule(`no-import-of-${name}`, `${name} is imported by nobody`, { pathNot: pathOf(name) }, { path: pathOf(name) }),
);

const pureRules = table.withoutNpmAndNode.map((name) =>
  rule(
    `pure-${name}`,
    `${name} imports no npm package and no node: module`,
    { path: pathOf(name) },
    { dependencyTypes: ['core', ...npm] },
  ),
);

/** npm packages live behind adapters; the folders with an exception get a rule of their own. */
const exceptions = table.npmExceptions;
const excepted = [...new Set(exceptions.map(({ folder }) => folder))];
const npmRules = [
  rule(
    'npm-only-in-adapter',
    'npm packages are imported only in adapter/ folders',
    { path: '^src/', pathNot: [adapters, ...excepted.map(pathOf)] },
    { dependencyTypes: npm },
  ),
  ...excepted.map((name) =>
    rule(
      `npm-only-in-adapter-${name}`,
      `npm packages are imported only in adapter/ folders; for ${name}, see npmExceptions in layers.json`,
      { path: pathOf(name), pathNot: adapters },
      {
        dependencyTypes: npm,
        pathNot: exceptions.filter(({ folder }) => folder === name).map((exception) => packagePath(exception.package)),
      },
    ),
  ),
  ...exceptions
    .filter(({ typesOnly }) => typesOnly)
    .map((exception) =>
      rule(
        `types-only-${exception.folder}`,
        `${exception.package}: ${exception.why}`,
        { path: pathOf(exception.folder), pathNot: adapters },
        { path: packagePath(exception.package), dependencyTypesNot: ['type-only'] },
      ),
    ),
];

const generalRules = [
  rule('no-cycle', 'no cycles, type imports included', { path: '^src/' }, { circular: true }),
  rule('no-unresolvable', 'the import leads nowhere', {}, { couldNotResolve: true }),
  rule(
    'known-folder',
    'each file of src/ is in a folder of layers.json, or is one of its files',
    { path: '^src/', pathNot: [...folders, ...files].map(pathOf) },
    {},
  ),
  rule(
    'inside-src',
    'src/ imports nothing of the repository outside src/, nor the package by its own name',
    { path: '^src/' },
    { dependencyTypesNot: ['core'], pathNot: ['^src/', '(^|/)node_modules/'] },
  ),
  rule(
    'declared-for-users',
    'what src/ imports has to be installed with the package: a dependency or a peer, not a dev dependency',
    { path: '^src/' },
    {
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
      dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      pathNot: exceptions.map((exception) => packagePath(exception.package)),
    },
  ),
  rule(
    'no-barrel',
    'only index.ts and contract files re-export',
    { path: '^src/', pathNot: ['^src/([^/]+)/\\1\\.ts$', '^src/index\\.ts$'] },
    { dependencyTypes: ['export'], dependencyTypesNot: ['type-only'] },
  ),
  rule(
    'dashboard-shares',
    'the dashboard imports of src/ only what runs in browsers',
    { path: DASHBOARD },
    { path: '^src/', pathNot: SHARED },
  ),
  rule(
    'shared-with-dashboard',
    'what the dashboard shares imports nothing of Node',
    { path: SHARED },
    { dependencyTypes: ['core', ...npm] },
  ),
  rule('examples-as-users', "examples import 'peregrine-mcp', as users do", { path: '^examples/' }, { path: '^src/' }),
];

export default {
  forbidden: [...layerRules, ...entryRules, ...nobodyRules, ...pureRules, ...npmRules, ...generalRules],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    parser: 'tsc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
