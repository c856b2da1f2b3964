// What stands in a row's track: bars, attempts, marks, and what is written beside them.

// A bar that crosses more folds than this is drawn as if there were none.
const MOST_CUTS = 40;

const sentence = (...parts) => parts.filter(Boolean).join(', ');

// Gives what draws a row. `axis` gives places on the scale as it is now.
function makeBars(axis) {
  // A box from one time to another, two pixels wide at least.
  function box(className, from, to) {
    const left = axis.place(from);
    const right = Math.max(axis.place(to), left + 2);
    if (right < -10 || left > axis.width() + 10) return null;
    const element = el('div', { class: className });
    const start = Math.max(left, -10);
    element.style.left = axis.percent(start);
    element.style.width = axis.percent(Math.min(right, axis.width() + 10) - start);
    return element;
  }

  // A bar: solid where there is a scale, a dashed line across each fold.
  function bar(tone, from, to, attempt = null) {
    const boxes = [];
    const crossed = axis.scale().pieces.filter((piece) => piece.isFolded && piece.from < to && piece.to > from);
    const folds = crossed.length <= MOST_CUTS ? crossed : [];
    let at = from;
    for (const fold of folds) {
      if (fold.from > at) boxes.push(box(`bar bar-${tone}${at > from ? ' cut-left' : ''} cut-right`, at, fold.from));
      boxes.push(box('beyond', Math.max(fold.from, from), Math.min(fold.to, to)));
      at = fold.to;
    }
    if (at < to || !folds.length) boxes.push(box(`bar bar-${tone}${at > from ? ' cut-left' : ''}`, at, Math.max(at, to)));
    const solid = boxes.filter((element) => element?.classList.contains('bar'));
    if (tone === 'bad') solid.at(-1)?.append(sign('bad'));
    if (attempt !== null) for (const element of solid) element.dataset.attempt = attempt;
    return boxes;
  }

  function bars(row) {
    const boxes = [];
    const isInstant = row.end === row.start_us && !row.isOpen;
    if (row.category === 'checkpoint') {
      boxes.push(box(`point bar-${row.tone}`, row.start_us, row.start_us));
    } else if (isInstant && !row.attempts.length) {
      boxes.push(box(`instant bar-${row.tone}`, row.start_us, row.start_us));
    } else if (row.attempts.length) {
      boxes.push(box('between', row.start_us, row.end));
      for (const attempt of row.attempts) {
        const tone = attempt.error ? 'bad' : toneOf(attempt.outcome);
        boxes.push(bar(tone, attempt.start_us, attempt.end_us ?? row.end, attempt.number));
      }
    } else {
      boxes.push(bar(row.tone, row.start_us, row.end));
    }
    return [...boxes.flat(), note(row)].filter(Boolean);
  }

  // What stands beside a bar: why it failed, or what it waits for.
  function note(row) {
    const whole = own(row.details, 'note') ?? (row.error ? describeError(row.error) : row.waits_for ?? '');
    // Ids are for the panel.
    const text = whole.replace(/\S{28,}/g, (word) => `${word.slice(0, 10)}…`);
    if (!text) return null;
    const left = axis.place(row.start_us);
    const right = Math.max(axis.place(row.end), left + 4);
    if (right < 0 || left > axis.width()) return null;
    const element = el('span', { class: row.error ? 'note bad' : 'note' }, text);
    const roomAfter = axis.width() - right;
    // About what it takes; what is longer is cut where there is more room.
    const needed = text.length * 6.4 + 12;
    if (roomAfter > needed || (roomAfter > left && left < needed)) {
      if (roomAfter < 40) return null;
      element.style.left = axis.percent(right + 8);
      element.style.maxWidth = axis.percent(roomAfter - 10);
    } else {
      if (left < 40) return null;
      element.style.right = axis.percent(axis.width() - left + 8);
      element.style.maxWidth = axis.percent(left - 10);
    }
    return element;
  }

  return bars;
}

// The row in words: what a bar shows to those who see it.
function describeRow(row, timeline) {
  const start = row.start_us - timeline.execution.start_us;
  const attempts = row.attempts.length;
  const failed = row.attempts.filter((attempt) => attempt.error || toneOf(attempt.outcome) === 'bad').length;
  return sentence(
    start >= 0 ? `starts after ${formatDuration(start)}` : `starts ${formatDuration(-start)} before`,
    row.isOpen ? 'has not ended' : `lasts ${formatDuration(row.end - row.start_us)}`,
    row.invocation !== null && row.invocation !== undefined ? `in invocation ${row.invocation}` : '',
    attempts > 1 ? `${attempts} attempts, ${failed} failed` : '',
    row.waits_for ? `waits for ${row.waits_for}` : '',
    row.is_replay ? 'a replay' : '',
    row.is_checkpoint ? 'a checkpoint' : '',
    row.error ? `error: ${describeError(row.error)}` : '',
  );
}
