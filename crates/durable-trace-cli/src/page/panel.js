// Beside the rows: what is known of the active one, and of the execution as a whole.

function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return el('dl', {}, shown.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

const code = (text) => (text === null || text === undefined || text === '' ? null : el('code', {}, text));

function status(word) {
  return el('span', { class: `pill tone-${toneOf(word)}` }, sign(toneOf(word)), el('span', {}, word));
}

function errorBox(error) {
  if (!error) return null;
  return el('div', { class: 'error' }, el('strong', {}, error.type ?? 'Error'), error.message ? el('p', {}, withoutType(error)) : null);
}

function rowSection(row, timeline, address, actions) {
  const start = timeline.execution.start_us;
  const details = Object.entries(row.details).filter(([, value]) => value !== '');
  const known = (index) => timeline.invocations.find((invocation) => invocation.index === index);
  return el('section', { class: 'row-details' },
    el('h2', {}, sign(row.category, `kind kind-${row.category}`), el('span', {}, row.name || row.type)),
    el('p', { class: 'sub' }, [row.type, row.subtype?.toUpperCase() === row.type ? null : row.subtype].filter(Boolean).join(' · '), ' ', status(row.status)),
    errorBox(row.error),
    actions,
    facts([
      ['Started', `${formatInstant(row.start_us)}`],
      ['', `${formatDuration(row.start_us - start)} after the execution`],
      ['Ended', row.isOpen ? null : formatInstant(row.end_us)],
      ['Duration', row.isOpen ? `${formatDuration(row.end - row.start_us)} so far` : formatDuration(row.end - row.start_us)],
      ['Waits for', row.waits_for],
      ['Invocation', known(row.invocation) ? `${row.invocation}` : null],
      ['Replay', row.is_replay ? 'work that an earlier invocation had done' : null],
      ['Under', row.above ? el('a', { href: address(row.above.id) }, row.above.name || row.above.type) : null],
      ['Id', code(row.id)],
    ]),
    row.attempts.length ? attemptsTable(row) : null,
    details.length ? el('dl', { class: 'stacked' }, details.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, code(value))))) : null,
    el('p', { class: 'sub' }, el('a', { href: address(row.id) }, 'Link to this row')));
}

function attemptsTable(row) {
  const line = (attempt) => {
    const end = attempt.end_us ?? row.end;
    return [
      el('tr', {},
        el('th', { scope: 'row' }, attempt.number),
        el('td', {}, status(attempt.outcome)),
        el('td', {}, formatDuration(end - attempt.start_us)),
        el('td', {}, attempt.next_delay_s === null || attempt.next_delay_s === undefined ? '' : formatTick(attempt.next_delay_s * 1e6))),
      attempt.error ? el('tr', {}, el('td', { colspan: 4, class: 'bad' }, describeError(attempt.error))) : null,
    ];
  };
  const head = ['Attempt', 'Outcome', 'Took', 'Next after'].map((title) => el('th', { scope: 'col' }, title));
  return el('table', {}, el('caption', {}, 'Attempts'), el('thead', {}, el('tr', {}, head)), el('tbody', {}, row.attempts.map(line)));
}

function fold(key, title, count, isOpen, opened, ...children) {
  if (!count) return null;
  const shown = opened.get(key) ?? isOpen;
  const box = el('details', { open: shown }, el('summary', {}, title, el('span', { class: 'badge' }, count)), ...children);
  box.addEventListener('toggle', () => opened.set(key, box.open));
  return box;
}

function checkpointItem(checkpoint) {
  return el('li', {},
    el('h3', {}, sign('checkpoint', 'kind kind-checkpoint'), el('span', {}, checkpoint.name)),
    checkpoint.unreadable ? el('p', { class: 'bad' }, checkpoint.unreadable) : null,
    checkpoint.is_known === false ? el('p', { class: 'bad' }, 'not a tracing library’s: its id is another') : null,
    facts([
      ['Saved', formatInstant(checkpoint.at_us)],
      ['Trace', code(checkpoint.trace_id)],
      ['Lower half', code(checkpoint.trace_id_decimal)],
      ['Parent', code(checkpoint.parent_id)],
      ['Priority', checkpoint.sampling_priority === null || checkpoint.sampling_priority === undefined ? null : String(checkpoint.sampling_priority)],
      ['Origin', checkpoint.origin],
      ['Tags', Object.entries(checkpoint.tags).map(([key, value]) => el('div', {}, code(`${key}=${value}`)))],
      ['Changed', checkpoint.changed.join(', ')],
    ].filter(([, value]) => !Array.isArray(value) || value.length)));
}

function executionSections(timeline, opened, zoomTo) {
  const { execution, invocations, gaps, checkpoints, warnings, trace } = timeline;
  const stretch = (from, to, text) => el('button', { type: 'button', class: 'plain', onclick: () => zoomTo(from, to), title: 'Zoom to it' }, text);
  const end = (entry) => entry.end_us ?? timeline.until_us;
  return [
    fold('warnings', 'Warnings', warnings.length, true, opened, el('ul', { class: 'items' }, warnings.map((warning) =>
      el('li', { class: 'warning' }, sign('warning'), el('div', {}, el('strong', {}, warning.kind), el('p', {}, warning.message)))))),
    fold('checkpoints', 'Checkpoints', checkpoints.length, true, opened, el('ul', { class: 'items' }, checkpoints.map(checkpointItem))),
    fold('invocations', 'Invocations', invocations.length, false, opened, el('table', {},
      el('thead', {}, el('tr', {}, ['', 'Status', 'Took', 'Request id'].map((title) => el('th', { scope: 'col' }, title || el('span', { class: 'sr' }, 'Number'))))),
      el('tbody', {}, invocations.map((invocation) => [
        el('tr', {},
          el('th', { scope: 'row' }, stretch(invocation.start_us, end(invocation), `#${invocation.index}`)),
          el('td', {}, status(invocation.status)),
          el('td', {}, `${invocation.is_start_estimated ? '≈ ' : ''}${formatDuration(end(invocation) - invocation.start_us)}`),
          el('td', {}, code(invocation.request_id) ?? '–')),
        invocation.error ? el('tr', {}, el('td', { colspan: 4, class: 'bad' }, describeError(invocation.error))) : null,
      ])))),
    fold('gaps', 'Asleep', gaps.length, false, opened, el('table', {},
      el('thead', {}, el('tr', {}, ['Slept', 'Waited for'].map((title) => el('th', { scope: 'col' }, title)))),
      el('tbody', {}, gaps.map((gap) => el('tr', {},
        el('td', {}, stretch(gap.start_us, gap.end_us, `${gap.is_estimated ? '≈ ' : ''}${formatDuration(gap.end_us - gap.start_us)}`)),
        el('td', {}, gap.waits_for.join(', ') || '–')))))),
    fold('execution', 'Execution', 1, false, opened,
      errorBox(execution.error),
      facts([
        ['ARN', code(execution.arn)],
        ['Name', execution.name],
        ['Function', execution.function],
        ['Started', formatInstant(execution.start_us)],
        ['Ended', execution.end_us === null ? null : formatInstant(execution.end_us)],
        ['Trace', trace ? code(trace.trace_id) : null],
        ['Anchor', trace ? code(trace.parent_id) : null],
      ])),
  ];
}
