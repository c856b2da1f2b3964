// The page: its state, what is typed and clicked, and the address that leads back to a row.

const data = JSON.parse(byId('data').textContent);

const state = {
  views: data.views.map(({ label, timeline, note }) => ({ label, note: note ?? null, tree: makeTree(timeline), closed: new Set(), active: null })),
  view: 0,
  filter: { search: '', errorsOnly: false, hideReplays: false, without: new Set() },
  isFolded: true,
  shown: null,
  // Which lists of the panel are open.
  opened: new Map(),
};

const current = () => state.views[state.view];
const panel = byId('panel');
const tools = byId('tools');
let grid = null;
let live = null;
// Whether the next timeline that comes is another execution's.
let isNew = false;

// --- the address

function addressOf(id, view = current()) {
  const parts = new URLSearchParams();
  if (live?.arn()) parts.set('execution', live.arn());
  if (state.views.length > 1) parts.set('view', view.label);
  if (id !== null) parts.set('row', id);
  return `#${parts}`;
}

// How often the address may change: browsers ignore pages that change it too often, as when a key is held.
const ADDRESS_EVERY_MS = 200;
const kept = { at: 0, timer: 0 };

function keepAddress() {
  clearTimeout(kept.timer);
  const early = kept.at + ADDRESS_EVERY_MS - performance.now();
  if (early > 0) {
    kept.timer = setTimeout(keepAddress, early);
    return;
  }
  kept.at = performance.now();
  const address = addressOf(current()?.active ?? null);
  if (address === location.hash) return;
  try {
    history.replaceState(null, '', address);
  } catch {
    // Documents without an address of their own have none to keep.
  }
}

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const view = state.views.findIndex(({ label }) => label === parts.get('view'));
  return { execution: parts.get('execution'), view: view < 0 ? null : view, row: parts.get('row') };
}

function followAddress() {
  const wanted = readAddress();
  if (live && wanted.execution && wanted.execution !== live.arn()) {
    live.choose(wanted.execution);
    return;
  }
  if (!current()) return;
  if (wanted.view !== null) state.view = wanted.view;
  if (wanted.row !== null && !current().tree.byId.has(wanted.row)) {
    // Not of this view: the first that knows it.
    const other = state.views.findIndex(({ tree }) => tree.byId.has(wanted.row));
    if (other >= 0) state.view = other;
  }
  drawAll();
  const row = wanted.row === null ? null : current().tree.byId.get(wanted.row);
  if (row) select(row, true);
}

// --- what is shown

function refresh() {
  const { tree, closed } = current();
  state.shown = shownRows(tree, state.filter, closed);
}

function drawRows() {
  if (!current()) return;
  refresh();
  grid.draw();
  drawCount();
}

function drawCount() {
  const { shown } = state;
  const all = current().tree.rows.length;
  const text = shown.isNarrowed ? `${shown.matched} of ${all} rows match` : `${all} ${all === 1 ? 'row' : 'rows'}`;
  const count = byId('count');
  if (count.firstChild?.textContent === text) return;
  const left = shown.rows.length - MOST_PRINTED;
  count.replaceChildren(text, el('span', { class: 'printed' }, left > 0 ? `, the first ${MOST_PRINTED} of them printed` : ''));
}

function figure(name, value, hint) {
  return el('div', { class: 'figure', title: hint ?? null }, el('span', { class: 'figure-name' }, name), el('span', { class: 'figure-value' }, value));
}

function drawHeading() {
  const { execution, trace, warnings } = current().tree.timeline;
  const title = execution.function ?? data.title;
  document.title = `${title} · ${execution.status.toLowerCase()} · durable-trace`;
  const isRunning = execution.end_us === null;
  keepingFocus(byId('heading'), () => byId('heading').replaceChildren(
    el('h1', {}, title),
    execution.name ? el('span', { class: 'execution-name', title: execution.arn ?? null }, execution.name) : '',
    status(execution.status),
    live && isRunning && live.arn() ? keptStop() : '',
    el('span', { class: 'grow' }),
    warnings.length ? el('button', { type: 'button', class: 'warnings', onclick: showWarnings }, sign('warning'), `${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`) : '',
    trace ? el('span', { class: 'trace' }, trace.url ? outward(trace.url, 'Open the trace') : el('span', { class: 'sub' }, 'trace '), trace.url ? '' : el('code', {}, trace.trace_id)) : '',
    iconButton('panel', 'Details panel', () => showPanel(document.body.classList.contains('no-panel'))),
    iconButton('theme', 'Light or dark', switchTheme)));
}

function drawFigures() {
  const { timeline } = current().tree;
  const { execution } = timeline;
  const isRunning = execution.end_us === null;
  const ran = timeline.running_us;
  const slept = timeline.asleep_us;
  const share = ran + slept > 0 ? slept / (ran + slept) : 0;
  const meter = el('div', { class: 'meter', 'aria-hidden': 'true' }, el('div', { class: 'meter-ran' }), el('div', { class: 'meter-slept' }));
  meter.firstChild.style.flexGrow = String(Math.max(1 - share, 0.005));
  meter.lastChild.style.flexGrow = String(share);
  byId('figures').replaceChildren(
    figure('Duration', formatDuration(execution.duration_us), isRunning ? 'so far' : null),
    figure('Running', formatDuration(ran), 'time in which an invocation ran'),
    figure('Asleep', `${formatDuration(slept)}${share > 0 ? ` (${share > 0.995 && share < 1 ? '>99' : Math.round(share * 100)} %)` : ''}`, 'time in which none ran'),
    figure('Invocations', String(timeline.invocations.length)),
    figure('Started', formatInstant(execution.start_us).slice(0, 19) + ' UTC'),
    meter);
}

// The button is made once an execution, so that what became of the request stays to be read.
function keptStop() {
  const there = byId('heading').querySelector('.stop');
  return there?.dataset.key === live.arn() ? there : live.stopButton(live.arn());
}

function iconButton(name, label, onclick) {
  return el('button', { type: 'button', class: 'icon', title: label, 'aria-label': label, onclick }, sign(name));
}

function drawTabs() {
  const tabs = byId('tabs');
  tabs.hidden = state.views.length < 2;
  tabs.replaceChildren(...state.views.map(({ label, tree }, index) => el('button', {
    type: 'button',
    role: 'tab',
    id: `tab-${index}`,
    'aria-selected': String(index === state.view),
    'aria-controls': 'stage',
    tabindex: index === state.view ? 0 : -1,
    onclick: () => show(index),
  }, label, el('span', { class: 'badge' }, tree.rows.length))));
  const stage = byId('stage');
  if (!tabs.hidden) {
    stage.setAttribute('role', 'tabpanel');
    stage.setAttribute('aria-labelledby', `tab-${state.view}`);
  }
  const note = byId('view-note');
  note.hidden = !current().note;
  note.textContent = current().note ?? '';
}

function show(index) {
  state.view = index;
  drawAll();
  keepAddress();
}

const pressed = (name, label, isOn, toggle) => el('button', {
  type: 'button', class: 'toggle', 'data-toggle': name, 'aria-pressed': String(isOn), onclick: toggle,
}, label);

// Filters of the current view; the search field stays, for it is typed into.
function drawTools() {
  const { tree, closed } = current();
  const counts = new Map();
  for (const row of tree.rows) counts.set(row.category, (counts.get(row.category) ?? 0) + 1);
  const kinds = Object.keys(CATEGORIES).filter((category) => counts.has(category));
  const toggled = (name) => () => {
    state.filter[name] = !state.filter[name];
    drawTools();
    drawRows();
  };
  const kindButton = (category) => el('button', {
    type: 'button',
    class: `chip kind-${category}`,
    'data-kind': category,
    'aria-pressed': String(!state.filter.without.has(category)),
    onclick: () => {
      const { without } = state.filter;
      if (!without.delete(category)) without.add(category);
      drawTools();
      drawRows();
    },
  }, sign(category, 'kind'), CATEGORIES[category], el('span', { class: 'badge' }, counts.get(category)));
  // Not the first row: all would be gone.
  const parents = tree.rows.filter((row) => row.children.length && row.above !== null);
  const areClosed = parents.every((row) => closed.has(row.id));
  const rest = el('div', { class: 'rest' },
    el('div', { class: 'group', role: 'group', 'aria-label': 'Kinds of rows' }, kinds.length > 1 ? kinds.map(kindButton) : null),
    el('div', { class: 'group', role: 'group', 'aria-label': 'Rows' },
      tree.rows.some((row) => row.hasError) ? pressed('errors', 'Errors only', state.filter.errorsOnly, toggled('errorsOnly')) : null,
      tree.rows.some((row) => row.is_replay) ? pressed('replays', 'Hide replays', state.filter.hideReplays, toggled('hideReplays')) : null,
      parents.length ? pressed('closed', 'Collapse all', areClosed, () => {
        closed.clear();
        if (!areClosed) for (const row of parents) closed.add(row.id);
        drawTools();
        drawRows();
      }) : null),
    el('div', { class: 'group', role: 'group', 'aria-label': 'Time' },
      tree.timeline.gaps.length ? pressed('scale', 'True scale', !state.isFolded, () => {
        state.isFolded = !state.isFolded;
        drawTools();
        grid.reset();
      }) : null,
      el('button', { type: 'button', class: 'toggle', 'data-toggle': 'out', 'aria-label': 'Zoom out', onclick: () => grid.zoomBy(0.5) }, '−'),
      el('button', { type: 'button', class: 'toggle', 'data-toggle': 'in', 'aria-label': 'Zoom in', onclick: () => grid.zoomBy(2) }, '+'),
      el('button', { type: 'button', class: 'toggle', 'data-toggle': 'fit', onclick: () => grid.reset() }, 'Fit')));
  keepingFocus(tools, () => {
    tools.querySelector('.rest')?.remove();
    tools.append(rest);
  });
}

function drawPanel() {
  const { tree, active } = current();
  const row = active === null ? null : tree.byId.get(active);
  const callback = live && row ? live.callbackOf(row.id) : null;
  const form = panel.querySelector('.actions');
  const isSame = Boolean(form && callback && form.dataset.key === callback.callback_id);
  // Somebody is typing an answer: what they type stays.
  if (isSame && form.contains(document.activeElement)) return;
  const actions = isSame ? form : callback ? live.callbackForm(callback) : null;
  const top = panel.scrollTop;
  keepingFocus(panel, () => panel.replaceChildren(
    el('button', { type: 'button', class: 'icon close', 'aria-label': 'Close the details', onclick: () => showPanel(false) }, sign('bad')),
    row ? rowSection(row, tree.timeline, addressOf, actions) : el('p', { class: 'hint' }, 'Choose a row for its details.'),
    ...executionSections(tree.timeline, state.opened, (from, to) => grid.zoomTo(from, to)).filter(Boolean)));
  panel.scrollTop = top;
}

function drawAll() {
  if (!current()) return;
  drawHeading();
  drawFigures();
  drawTabs();
  drawTools();
  refresh();
  grid.draw();
  drawCount();
  drawPanel();
}

// A timeline of something that runs, a while later: it sleeps on, or runs on.
function goneOn(timeline, now) {
  const more = Math.max(now - timeline.until_us, 0);
  const gaps = timeline.gaps.slice();
  const last = gaps.at(-1);
  const isAsleep = last?.end_us === timeline.until_us;
  if (isAsleep) gaps[gaps.length - 1] = { ...last, end_us: last.end_us + more };
  return {
    ...timeline,
    gaps,
    until_us: timeline.until_us + more,
    asleep_us: timeline.asleep_us + (isAsleep ? more : 0),
    running_us: timeline.running_us + (isAsleep ? 0 : more),
    execution: { ...timeline.execution, duration_us: timeline.execution.duration_us + more },
  };
}

// --- choosing

function select(row, bringsIntoSight = false) {
  const view = current();
  view.active = row.id;
  if (bringsIntoSight) {
    for (let above = row.above; above; above = above.above) view.closed.delete(above.id);
    refresh();
    if (!state.shown.rows.some((entry) => entry.row === row)) {
      // A link leads to its row, whatever was filtered.
      Object.assign(state.filter, { search: '', errorsOnly: false, hideReplays: false });
      state.filter.without.clear();
      search.value = '';
      refresh();
      drawTools();
    }
    drawCount();
  }
  panel.scrollTop = 0;
  grid.scrollTo(row.id);
  grid.draw();
  drawPanel();
  keepAddress();
}

function toggle(row, isClosed = !current().closed.has(row.id)) {
  const { closed } = current();
  if (isClosed) closed.add(row.id);
  else closed.delete(row.id);
  drawTools();
  drawRows();
}

function move(key) {
  const { rows, isNarrowed } = state.shown;
  if (!rows.length) return false;
  const { active, closed } = current();
  const at = rows.findIndex(({ row }) => row.id === active);
  const to = (index) => select(rows[Math.min(Math.max(index, 0), rows.length - 1)].row);
  const entry = rows[at];
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: grid.sight(), PageUp: -grid.sight() };
  if (key in steps) to(at < 0 ? 0 : at + steps[key]);
  else if (key === 'Home') to(0);
  else if (key === 'End') to(rows.length - 1);
  else if (key === 'ArrowRight' && entry?.hasChildren) {
    if (closed.has(entry.row.id) && !isNarrowed) toggle(entry.row, false);
    else to(at + 1);
  } else if (key === 'ArrowLeft' && entry) {
    if (entry.hasChildren && !closed.has(entry.row.id) && !isNarrowed) toggle(entry.row, true);
    else if (entry.row.above) select(entry.row.above);
  } else return false;
  return true;
}

function nextError() {
  const { rows } = state.shown;
  const at = rows.findIndex(({ row }) => row.id === current().active);
  const next = rows.findIndex(({ row }, index) => index > at && row.hasError);
  const found = next >= 0 ? next : rows.findIndex(({ row }) => row.hasError);
  if (found >= 0) select(rows[found].row);
}

// The next match of the search, from the active row on.
function nextMatch() {
  const { rows } = state.shown;
  const at = rows.findIndex(({ row }) => row.id === current().active);
  const next = rows.findIndex(({ isMatch }, index) => index > at && isMatch);
  const found = next >= 0 ? next : rows.findIndex(({ isMatch }) => isMatch);
  if (found >= 0) select(rows[found].row);
}

function showPanel(isShown) {
  document.body.classList.toggle('no-panel', !isShown);
  remember('durable-trace.panel', isShown ? 'shown' : 'hidden');
}

function showWarnings() {
  showPanel(true);
  state.opened.set('warnings', true);
  drawPanel();
  const box = [...panel.querySelectorAll('details')].find((details) => details.querySelector('.warning'));
  box?.scrollIntoView({ block: 'nearest' });
  box?.querySelector('summary')?.focus();
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
  remember('durable-trace.theme', root.dataset.theme);
}

// --- what is typed

const search = el('input', { type: 'search', id: 'search', placeholder: 'Search', 'aria-label': 'Search rows', 'aria-keyshortcuts': '/', spellcheck: 'false', autocomplete: 'off' });
tools.append(el('label', { class: 'search' }, sign('search'), search));
let typing = 0;
search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    state.filter.search = search.value;
    byId('grid').scrollTop = 0;
    drawRows();
  }, 80);
});
search.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') {
    clearTimeout(typing);
    state.filter.search = search.value;
    drawRows();
    nextMatch();
  } else if (event.key === 'Escape') {
    clearTimeout(typing);
    search.value = '';
    state.filter.search = '';
    drawRows();
    byId('grid').focus();
  } else if (event.key === 'ArrowDown') {
    byId('grid').focus();
  } else return;
  event.preventDefault();
});

byId('grid').addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !current()) return;
  const keys = { '+': () => grid.zoomBy(2), '=': () => grid.zoomBy(2), '-': () => grid.zoomBy(0.5), 0: () => grid.reset(), e: nextError, n: nextMatch };
  if (event.key === 'Enter') {
    showPanel(true);
    panel.focus();
  } else if (Object.hasOwn(keys, event.key)) {
    keys[event.key]();
  } else if (!move(event.key)) return;
  event.preventDefault();
});

panel.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  byId('grid').focus();
});

byId('tabs').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  show((state.view + step + state.views.length) % state.views.length);
  byId(`tab-${state.view}`).focus();
  event.preventDefault();
});

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, textarea, select')) return;
  search.focus();
  search.select();
  event.preventDefault();
});

// --- begin

const theme = remembered('durable-trace.theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
const isNarrow = matchMedia('(max-width: 800px)');
if (isNarrow.matches || remembered('durable-trace.panel') === 'hidden') document.body.classList.add('no-panel');
document.body.classList.toggle('live', Boolean(data.live));

grid = makeGrid(() => ({ ...current(), shown: state.shown, isFolded: state.isFolded }), {
  select(row) {
    select(row);
    if (isNarrow.matches) showPanel(true);
  },
  toggle,
});

if (data.live) {
  live = makeLive(data.live, {
    // The one before stays to be seen until there is something of the new one.
    chosen() {
      isNew = true;
    },
    timeline(timeline) {
      const before = isNew ? null : current();
      isNew = false;
      const tree = makeTree(timeline);
      state.views = [{ label: 'Operations', note: null, tree, closed: before?.closed ?? new Set(), active: before?.active ?? null }];
      state.view = 0;
      byId('main').classList.remove('waiting');
      const wanted = before ? null : readAddress().row;
      drawAll();
      const row = wanted === null ? null : tree.byId.get(wanted);
      if (row) select(row, true);
      else if (!before) keepAddress();
    },
    // Nothing new, but time goes on for what runs.
    clock(now) {
      const view = current();
      if (!view || view.tree.timeline.execution.end_us !== null) return;
      view.tree = makeTree(goneOn(view.tree.timeline, now));
      drawFigures();
      refresh();
      grid.draw();
    },
  });
  document.title = `${data.title} · durable-trace`;
  byId('heading').replaceChildren(el('h1', {}, data.title), el('span', { class: 'grow' }), iconButton('theme', 'Light or dark', switchTheme));
  byId('main').classList.add('waiting');
  live.start(readAddress().execution);
} else {
  followAddress();
}
window.addEventListener('hashchange', followAddress);
