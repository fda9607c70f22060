#!/usr/bin/env node
// The rest is imported only after this check: what an older Node.js would say about it helps nobody.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`peregrine: Node.js 22.18 or newer is needed, this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const { run } = await import('./run.ts');
  process.exitCode = await run(process.argv.slice(2));
}

export {};
