// The state of the page, and all that is drawn of it but the rows.

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
