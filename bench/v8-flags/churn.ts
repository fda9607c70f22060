/** Keeps so many MB alive, and replaces the oldest again and again. A process of its own; prints what one cost as JSON. */
const BYTES_EACH = 9_200;
const TURNS = 3;

const liveMb = Number(process.argv[2]);
const kept = new Array<object>(Math.floor((liveMb * 2 ** 20) / BYTES_EACH));
const make = (id: number) => Array.from({ length: 100 }, (_, at) => ({ id, at, text: `v${id * at}` }));

const before = process.cpuUsage();
const total = TURNS * kept.length;
for (let made = 0; made < total; ) {
  for (let count = 0; count < 200; count++, made++) kept[made % kept.length] = make(made);
  await new Promise((resolve) => setImmediate(resolve));
}
const { user, system } = process.cpuUsage(before);
const peakMb = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(`${JSON.stringify({ cpuUs: (user + system) / total, peakMb })}\n`);
