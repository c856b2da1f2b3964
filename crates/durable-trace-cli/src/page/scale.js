// Times in, words and positions out. Times are microseconds since 1970, positions pixels.

// Three digits at a glance: `420 µs`, `41.2 ms`, `2.00 s`, `3 min 20 s`, `4 h 5 min`, `2 d 3 h`.
function formatDuration(us) {
  if (us < 0) return `−${formatDuration(-us)}`;
  const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
  if (us === 0) return '0 ms';
  if (us < 1e3) return `${Math.round(us)} µs`;
  if (us < 999.5e3) return `${digits(us / 1e3)} ms`;
  if (us < 59.95e6) return `${digits(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  const pair = (unit, name, part, partName) => {
    const rest = Math.floor((seconds % unit) / part);
    return `${Math.floor(seconds / unit)} ${name}${rest ? ` ${rest} ${partName}` : ''}`;
  };
  if (seconds < 3600) return pair(60, 'min', 1, 's');
  if (seconds < 86400) return pair(3600, 'h', 60, 'min');
  return pair(86400, 'd', 3600, 'h');
}

// A tick's label: the value is round, so that it needs no digits behind the point that say nothing.
function formatTick(us) {
  return formatDuration(us).replace(/(\.\d*?)0+(?= )/, '$1').replace(/\.(?= )/, '');
}

function formatInstant(us) {
  const date = new Date(us / 1e3);
  return Number.isNaN(date.getTime()) ? `${us} µs` : date.toISOString().replace('T', ' ');
}

// Widest and narrowest that a fold is drawn, and the share of the width that all of them may take.
const FOLD = { widest: 84, narrowest: 8, share: 0.4 };

// The least distance between two ticks.
const TICK_EVERY = 84;

// Lays [from, to] out over `width`: running time to one scale, times asleep folded if that makes them shorter.
// Gives the pieces in order, `x` of a time, and the time at an `x`.
function makeScale(span, gaps, width, isFolded) {
  const from = span.from;
  const to = Math.max(span.to, from + 1);
  const pieces = [];
  let at = from;
  for (const [index, gap] of gaps.entries()) {
    const start = Math.max(gap.start_us, at);
    const end = Math.min(gap.end_us, to);
    if (end <= start) continue;
    if (start > at) pieces.push({ from: at, to: start, gap: null });
    pieces.push({ from: start, to: end, gap: index });
    at = end;
  }
  if (at < to) pieces.push({ from: at, to, gap: null });

  const asleep = pieces.filter((piece) => piece.gap !== null);
  const fold = Math.max(FOLD.narrowest, Math.min(FOLD.widest, (width * FOLD.share) / Math.max(asleep.length, 1)));
  const folded = new Set(isFolded ? asleep : []);
  let perMicrosecond = 0;
  // A gap that would grow by being folded is unfolded, which makes the scale coarser: so until none is left.
  for (;;) {
    let open = 0;
    for (const piece of pieces) if (!folded.has(piece)) open += piece.to - piece.from;
    perMicrosecond = Math.max(width - folded.size * fold, 0) / Math.max(open, 1);
    const longer = [...folded].filter((piece) => (piece.to - piece.from) * perMicrosecond <= fold);
    if (longer.length === 0) break;
    for (const piece of longer) folded.delete(piece);
  }
  // Where nothing ran, folds are all there is.
  const foldWidth = folded.size && folded.size === pieces.length ? width / pieces.length : fold;
  let x = 0;
  for (const piece of pieces) {
    piece.isFolded = folded.has(piece);
    piece.x = x;
    piece.width = piece.isFolded ? foldWidth : (piece.to - piece.from) * perMicrosecond;
    x += piece.width;
  }
  const find = (holds) => {
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(pieces[middle])) high = middle;
      else low = middle + 1;
    }
    return pieces[low];
  };
  return {
    from,
    to,
    width,
    pieces,
    perMicrosecond,
    x(time) {
      const clamped = Math.min(Math.max(time, from), to);
      const piece = find((candidate) => clamped <= candidate.to);
      return piece.x + ((clamped - piece.from) / (piece.to - piece.from)) * piece.width;
    },
    time(position) {
      const piece = find((candidate) => position <= candidate.x + candidate.width);
      const share = piece.width ? Math.min(Math.max((position - piece.x) / piece.width, 0), 1) : 0;
      return piece.from + share * (piece.to - piece.from);
    },
  };
}

// The step between ticks: 1, 2 or 5 of a decimal unit up to seconds, then what clocks count by.
function tickStep(atLeast) {
  if (atLeast <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(atLeast));
  const decimal = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= atLeast);
  if (decimal <= 10e6) return decimal;
  const steps = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const clock = steps.map((seconds) => seconds * 1e6).find((step) => step >= atLeast);
  return clock ?? Math.ceil(atLeast / 86400e6) * 86400e6;
}

// Ticks of a scale: the first of a stretch tells the time since the start of the execution, the others the time since the stretch began.
function ticks(scale) {
  const step = tickStep(TICK_EVERY / Math.max(scale.perMicrosecond, 1e-12));
  const marks = [];
  let isNewStretch = true;
  let stretch = scale.from;
  let lastX = -Infinity;
  for (const piece of scale.pieces) {
    if (piece.isFolded) {
      isNewStretch = true;
      continue;
    }
    if (isNewStretch) {
      stretch = piece.from;
      if (piece.x - lastX >= TICK_EVERY / 2) {
        marks.push({ x: piece.x, label: piece.from === scale.from ? '0' : `+${formatDuration(piece.from - scale.from)}`, isFirst: true });
        lastX = piece.x;
      }
      isNewStretch = false;
    }
    const end = piece.x + piece.width;
    for (let time = stretch + Math.max(1, Math.ceil((piece.from - stretch) / step)) * step; time <= piece.to; time += step) {
      const x = scale.x(time);
      if (x - lastX < TICK_EVERY * 0.7 || x > end) continue;
      marks.push({ x, label: formatTick(time - stretch), isFirst: false });
      lastX = x;
      if (marks.length > 2000) return marks;
    }
  }
  return marks;
}
