// The address that leads back to a row.

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
