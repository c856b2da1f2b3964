// What is typed.

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
