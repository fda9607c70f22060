import cliProgress from 'cli-progress';

/** Shows how far the seeding is: a bar on a terminal, a line at every tenth elsewhere. */
export class SeedProgress {
  readonly #bar = process.stdout.isTTY
    ? new cliProgress.SingleBar(
        {
          stream: process.stdout,
          format: 'Seeding the catalogue [{bar}] {percentage}% | {value} of {total} rows',
          hideCursor: true,
        },
        cliProgress.Presets.shades_classic,
      )
    : undefined;
  #shownTenths = 0;

  update(done: number, total: number): void {
    if (this.#bar === undefined) this.#printLine(done, total);
    else if (this.#bar.isActive) this.#bar.update(done);
    else this.#bar.start(total, done);
  }

  stop(): void {
    this.#bar?.stop();
  }

  #printLine(done: number, total: number): void {
    const tenths = Math.floor((10 * done) / total);
    if (tenths > this.#shownTenths) console.log(`Seeding the catalogue: ${10 * tenths}%`);
    this.#shownTenths = tenths;
  }
}
