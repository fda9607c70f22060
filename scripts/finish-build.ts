/** After tsc: removes what sources that are gone left in dist/, and makes the command executable. */
import { chmodSync, existsSync, globSync, rmSync } from 'node:fs';

const COMMAND = 'dist/cli/main.js';

for (const path of globSync('dist/**/*.{js,d.ts}', { exclude: ['dist/dashboard/**'] })) {
  const source = path.replace(/^dist/, 'src').replace(/\.(?:js|d\.ts)$/, '.ts');
  if (!existsSync(source)) rmSync(path);
}
if (existsSync(COMMAND)) chmodSync(COMMAND, 0o755);
