// The rows and their time axis. Of the rows only those in sight are in the document.

const ROW_HEIGHT = 28;
// Rows above and below those in sight.
const OVERSCAN = 10;
// More rows than this are not printed.
const MOST_PRINTED = 3000;
const MOST_ZOOM = 4096;

// Draws into the elements of the page what `source()` gives: `{ tree, shown, closed, active, isFolded, dimsReplays }`.
function makeGrid(source, on) {
  const grid = byId('grid');
  const rowsBox = byId('rows');
  const axis = byId('axis');
  const under = byId('under');
  const over = byId('over');
  const tip = byId('tip');
  const cursor = el('div', { class: 'cursor' });
  const drawn = new Map();
  const zoom = { factor: 1, pan: 0 };
  let scale = null;
  let width = 0;
  let isPrinting = false;
  let frame = 0;

  const percent = (pixels) => `${(pixels / width) * 100}%`;
  const place = (time) => scale.x(time) - zoom.pan;

  function measure() {
    // In print the width is not known yet, and positions are in percent of whatever it will be.
    width = axis.clientWidth || width || 600;
    const { tree, isFolded } = source();
    scale = makeScale(tree.span, tree.timeline.gaps, width * zoom.factor, isFolded);
    zoom.pan = Math.min(Math.max(zoom.pan, 0), width * (zoom.factor - 1));
  }

  const bars = makeBars({ place, percent, width: () => width, scale: () => scale });

  // Everything anew: what is shown, or how, has changed.
  function draw() {
    if (!source().tree) return;
    measure();
    drawAxis();
    drawRows(true);
  }

  function strip(className, from, to, ...children) {
    const left = Math.max(place(from), -20);
    const right = Math.min(place(to), width + 20);
    if (right < 0 || left > width) return null;
    const element = el('div', { class: className }, ...children);
    element.style.left = percent(left);
    element.style.width = percent(Math.max(right - left, 1));
    return element;
  }

  function drawAxis() {
    const { tree, shown } = source();
    const { timeline } = tree;
    const count = isPrinting ? Math.min(shown.rows.length, MOST_PRINTED) : shown.rows.length;
    const height = `${count * ROW_HEIGHT}px`;
    rowsBox.style.height = height;
    under.style.height = height;
    over.style.height = height;
    const top = [];
    const bands = [];
    for (const invocation of timeline.invocations) {
      const end = invocation.end_us ?? timeline.until_us;
      const band = strip(`band ${invocation.index % 2 ? 'odd' : 'even'}`, invocation.start_us, end);
      if (!band) continue;
      bands.push(band);
      const room = Math.min(place(end), width) - Math.max(place(invocation.start_us), 0);
      const label = room > 96 ? `invocation ${invocation.index}` : room > 20 ? `#${invocation.index}` : '';
      top.push(strip(`invocation tone-${toneOf(invocation.status)}`, invocation.start_us, end, el('span', {}, label)));
    }
    for (const piece of scale.pieces) {
      if (piece.gap === null) continue;
      const slept = formatDuration(piece.to - piece.from);
      const room = piece.width;
      const needed = slept.length * 6;
      top.push(strip('slept', piece.from, piece.to, room > needed + 16 ? [sign('asleep'), el('span', {}, slept)] : room > needed ? el('span', {}, slept) : room > 16 ? sign('asleep') : null));
      bands.push(strip(piece.isFolded ? `fold${room > 30 ? '' : ' slim'}` : 'asleep', piece.from, piece.to));
    }
    const marks = ticks(scale).filter(({ x, label }) => x - zoom.pan > -1 && x - zoom.pan < width - 4 - label.length * 6);
    const labels = marks.map(({ x, label, isFirst }) => {
      const mark = el('span', { class: isFirst ? 'tick first' : 'tick' }, label);
      mark.style.left = percent(x - zoom.pan);
      const line = el('div', { class: isFirst ? 'rule first' : 'rule' });
      line.style.left = percent(x - zoom.pan);
      bands.push(line);
      return mark;
    });
    axis.replaceChildren(el('div', { class: 'spans' }, top), el('div', { class: 'ticks' }, labels));
    under.replaceChildren(...bands.filter(Boolean));
    over.replaceChildren(cursor);
  }

  // The part of the list in sight, and the active row wherever it is: the grid points at it for assistive technology.
  function range() {
    const { shown } = source();
    if (isPrinting) return [0, Math.min(shown.rows.length, MOST_PRINTED)];
    const first = Math.floor(grid.scrollTop / ROW_HEIGHT) - OVERSCAN;
    const count = Math.ceil(grid.clientHeight / ROW_HEIGHT) + 2 * OVERSCAN;
    return [Math.max(first, 0), Math.min(first + count, shown.rows.length)];
  }

  function drawRows(anew) {
    const { shown, active } = source();
    if (!shown) return;
    const [first, last] = range();
    const activeAt = shown.rows.findIndex(({ row }) => row.id === active);
    const wanted = new Set();
    for (let at = first; at < last; at += 1) wanted.add(at);
    if (activeAt >= 0) wanted.add(activeAt);
    if (anew) drawn.clear();
    for (const [at, element] of drawn) {
      if (wanted.has(at)) continue;
      element.remove();
      drawn.delete(at);
    }
    const made = [];
    for (const at of wanted) {
      if (drawn.has(at)) continue;
      const element = rowElement(shown.rows[at], at);
      drawn.set(at, element);
      made.push(element);
    }
    if (anew) rowsBox.replaceChildren(...made);
    else rowsBox.append(...made);
    grid.setAttribute('aria-rowcount', String(shown.rows.length + 1));
    if (activeAt >= 0) grid.setAttribute('aria-activedescendant', drawn.get(activeAt).id);
    else grid.removeAttribute('aria-activedescendant');
  }

  function rowElement(entry, at) {
    const { row, place: ordinal, setSize, hasChildren, isMatch } = entry;
    const { tree, shown, closed, active } = source();
    const isClosed = hasChildren && !shown.isNarrowed && closed.has(row.id);
    const classes = ['row', `kind-${row.category}`, `tone-${row.tone}`];
    if (row.is_replay) classes.push('replay');
    if (!isMatch) classes.push('context-only');
    if (row.id === active) classes.push('active');
    if (row.hasError) classes.push('has-error');
    if (hasChildren) classes.push('has-children');
    const name = el('div', { class: 'name', role: 'gridcell' },
      el('span', { class: `twist ${hasChildren ? '' : 'none'}` }, hasChildren ? sign('twist') : null),
      sign(row.category, 'kind'),
      el('span', { class: 'label' }, row.name || row.type),
      row.name && row.name !== row.type ? el('span', { class: 'type' }, row.subtype ?? row.type) : null,
      row.attempts.length > 1 ? el('span', { class: 'badge' }, `×${row.attempts.length}`, el('span', { class: 'sr' }, ' attempts')) : null,
      row.is_replay ? el('span', { class: 'badge' }, 'replay') : null);
    name.style.setProperty('--level', String(Math.min(row.level - 1, 24)));
    const isInstant = row.end === row.start_us && !row.isOpen;
    const took = isInstant || (row.isOpen && row.tone !== 'open' && row.tone !== 'pending') ? '' : formatDuration(row.end - row.start_us);
    const element = el('div', {
      class: classes.join(' '),
      role: 'row',
      id: `row-${row.index}`,
      'data-at': at,
      'aria-level': row.level,
      'aria-posinset': ordinal,
      'aria-setsize': setSize,
      'aria-rowindex': at + 2,
      'aria-selected': row.id === active ? 'true' : 'false',
      'aria-expanded': hasChildren ? String(!isClosed) : null,
    },
    name,
    el('div', { class: 'took', role: 'gridcell' }, sign(row.tone, 'status'), el('span', { class: 'sr' }, `${row.status} `), el('span', {}, took)),
    el('div', { class: 'track', role: 'gridcell', 'aria-label': describeRow(row, tree.timeline) }, bars(row)));
    element.style.setProperty('--top', `${at * ROW_HEIGHT}px`);
    return element;
  }

  function scrollTo(id) {
    const { shown } = source();
    const at = shown.rows.findIndex(({ row }) => row.id === id);
    if (at < 0) return;
    const head = byId('head').offsetHeight;
    const top = at * ROW_HEIGHT;
    const sight = grid.clientHeight - head;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + ROW_HEIGHT > grid.scrollTop + sight) grid.scrollTop = top + ROW_HEIGHT - sight;
  }

  function zoomTo(from, to) {
    measure();
    const left = scale.x(from) / zoom.factor;
    const right = scale.x(to) / zoom.factor;
    zoom.factor = Math.min(Math.max(width / Math.max(right - left, width / MOST_ZOOM), 1), MOST_ZOOM);
    // Folds keep their width, so that where it is has to be looked up on the new scale.
    scale = makeScale(source().tree.span, source().tree.timeline.gaps, width * zoom.factor, source().isFolded);
    zoom.pan = scale.x(from) - Math.max(0, (width - (scale.x(to) - scale.x(from))) / 2);
    draw();
  }

  // Around a place on the axis, else around the active row where that is in sight.
  function zoomBy(factor, given = null) {
    const at = given ?? middleOfActive() ?? width / 2;
    const time = scale.time(at + zoom.pan);
    zoom.factor = Math.min(Math.max(zoom.factor * factor, 1), MOST_ZOOM);
    scale = makeScale(source().tree.span, source().tree.timeline.gaps, width * zoom.factor, source().isFolded);
    zoom.pan = scale.x(time) - at;
    draw();
  }

  function middleOfActive() {
    const { tree, active } = source();
    const row = tree.byId.get(active);
    if (!row) return null;
    const middle = (place(row.start_us) + place(row.end)) / 2;
    return middle >= 0 && middle <= width ? middle : null;
  }

  function reset() {
    zoom.factor = 1;
    zoom.pan = 0;
    draw();
  }

  // The tip beside the pointer, and the line that tells the time.
  function point(event) {
    const box = axis.getBoundingClientRect();
    const x = event.clientX - box.left;
    const isOver = x >= 0 && x <= width && scale !== null;
    cursor.hidden = !isOver;
    if (isOver) cursor.style.left = percent(x);
    const element = event.target.closest?.('.row');
    const entry = element ? source().shown.rows[Number(element.dataset.at)] : null;
    if (!isOver || (!entry && !event.target.closest('#axis'))) {
      tip.hidden = true;
      return;
    }
    const { timeline, span } = source().tree;
    const lines = [];
    if (entry) {
      const { row } = entry;
      const attempt = row.attempts.find(({ number }) => String(number) === event.target.closest('[data-attempt]')?.dataset.attempt);
      lines.push(el('strong', {}, row.name || row.type));
      lines.push(el('div', {}, sentence(row.subtype ?? row.type, row.status, formatDuration(row.end - row.start_us))));
      if (attempt) {
        const end = attempt.end_us ?? row.end;
        lines.push(el('div', {}, sentence(`attempt ${attempt.number}`, attempt.outcome, formatDuration(end - attempt.start_us))));
        if (attempt.error) lines.push(el('div', { class: 'bad' }, describeError(attempt.error)));
      } else if (row.error) {
        lines.push(el('div', { class: 'bad' }, describeError(row.error)));
      }
    }
    const time = scale.time(x + zoom.pan);
    const gap = timeline.gaps.find(({ start_us, end_us }) => time >= start_us && time <= end_us);
    lines.push(el('div', { class: 'dim' }, `+${formatDuration(time - span.from)}${gap ? ` · asleep for ${formatDuration(gap.end_us - gap.start_us)}` : ''}`));
    tip.replaceChildren(...lines);
    tip.hidden = false;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${below + tip.offsetHeight > window.innerHeight ? event.clientY - tip.offsetHeight - 10 : below}px`;
  }

  function print(isOn) {
    isPrinting = isOn;
    document.documentElement.classList.toggle('printing', isOn);
    draw();
  }

  grid.addEventListener('scroll', () => {
    tip.hidden = true;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => drawRows(false));
  }, { passive: true });
  grid.addEventListener('pointermove', point);
  grid.addEventListener('pointerleave', () => {
    tip.hidden = true;
    cursor.hidden = true;
  });
  grid.addEventListener('wheel', (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - axis.getBoundingClientRect().left);
    } else if (zoom.factor > 1 && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
      event.preventDefault();
      zoom.pan += event.deltaX || event.deltaY;
      draw();
    }
  }, { passive: false });
  const pointedAt = ({ target }) => {
    const element = target.closest('.row');
    return { entry: element ? source().shown.rows[Number(element.dataset.at)] : null, isTwist: Boolean(target.closest('.twist')), isAxis: Boolean(target.closest('#axis')) };
  };
  grid.addEventListener('click', (event) => {
    const { entry, isTwist } = pointedAt(event);
    if (!entry) return;
    if (isTwist && entry.hasChildren) on.toggle(entry.row);
    else on.select(entry.row);
  });
  grid.addEventListener('dblclick', (event) => {
    const { entry, isTwist, isAxis } = pointedAt(event);
    if (entry?.hasChildren && !isTwist) on.toggle(entry.row);
    if (isAxis) reset();
  });
  drawnOut(axis, (from, to) => zoomTo(scale.time(from + zoom.pan), scale.time(to + zoom.pan)));
  new ResizeObserver(() => {
    if (!isPrinting && axis.clientWidth && (axis.clientWidth !== width || drawn.size === 0)) draw();
    else if (!isPrinting) drawRows(false);
  }).observe(grid);
  window.addEventListener('beforeprint', () => print(true));
  window.addEventListener('afterprint', () => print(false));

  return { draw, drawRows, scrollTo, zoomTo, zoomBy, reset, sight: () => Math.max(1, Math.floor(grid.clientHeight / ROW_HEIGHT) - 3) };
}

// Lets a stretch of the axis be drawn out with the pointer.
function drawnOut(axis, done) {
  let began = null;
  const box = el('div', { class: 'stretch' });
  const at = (event) => Math.min(Math.max(event.clientX - axis.getBoundingClientRect().left, 0), axis.clientWidth);
  axis.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    began = at(event);
    axis.setPointerCapture(event.pointerId);
  });
  axis.addEventListener('pointermove', (event) => {
    if (began === null) return;
    box.style.left = `${Math.min(began, at(event))}px`;
    box.style.width = `${Math.abs(at(event) - began)}px`;
    if (!box.isConnected) axis.append(box);
  });
  axis.addEventListener('pointerup', (event) => {
    const [from, to] = [began, at(event)].sort((a, b) => a - b);
    began = null;
    box.remove();
    if (from !== null && to - from > 6) done(from, to);
  });
}
