// Which row is the active one, and which are closed.

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
