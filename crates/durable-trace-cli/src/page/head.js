// Above the rows: what it is, how it ended, how long it took.

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
