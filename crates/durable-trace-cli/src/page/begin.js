// The beginning: what the browser remembers, the rows, and the service if there is one.

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
