/** Writes the list that test/tooling/exports.test.ts holds the built package to. Review the change it makes. */
import { writeFileSync } from 'node:fs';
import { builtExports, EXPORTS_LIST } from './public-exports.ts';

const names = await builtExports();
writeFileSync(EXPORTS_LIST, `${names.join('\n')}\n`);
console.log(`${names.length} exports written`);
