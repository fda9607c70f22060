// Nothing is imported before this check: what an older Node.js would say about the rest helps nobody.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`peregrine: Node.js 22.18 or newer is needed, this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const { serve } = await import('./serve.ts');
  await serve(process.env);
}

export {};
