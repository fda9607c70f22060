/** Packs what would be published and checks it: exports, types, and that the types a user sees resolve. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'peregrine-pack-'));
try {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    encoding: 'utf8',
  });
  const [entry] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
  const tarball = join(folder, entry!.filename);
  console.log(`${entry!.filename}: ${entry!.files.length} files`);
  if (!entry!.files.some(({ path }) => path === 'dist/dashboard/index.html')) {
    console.error('the package has no dashboard: npm run build');
    process.exitCode = 1;
  }
  for (const command of [
    ['publint', 'run', '--strict', tarball],
    ['attw', '--profile', 'esm-only', '--no-emoji', tarball],
  ]) {
    const { status } = spawnSync(command[0]!, command.slice(1), { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
