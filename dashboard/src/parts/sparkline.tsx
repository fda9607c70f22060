const WIDTH = 120;
const HEIGHT = 28;
const POINTS = 120;

/** The last two minutes of a figure, from zero; beside the figure itself it says nothing new, so it is not read aloud. */
export function Sparkline({ values }: { readonly values: readonly number[] }) {
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={pathOf(values)} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

function pathOf(values: readonly number[]): string {
  let max = 0;
  for (const value of values) if (value > max) max = value;
  let path = '';
  let isBroken = true;
  values.forEach((value, index) => {
    if (Number.isNaN(value)) isBroken = true;
    else {
      const x = (WIDTH * (POINTS - values.length + index)) / (POINTS - 1);
      const y = HEIGHT - 2 - (max === 0 ? 0 : (value / max) * (HEIGHT - 4));
      path += `${isBroken ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      isBroken = false;
    }
  });
  return path;
}
