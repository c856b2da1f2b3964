// With a service behind the page: its executions, as they run, and what can be done about them.

// Paths of the service's own API, which the AWS CLI uses too.
const api = {
  succeed: (callback) => `/2025-12-01/durable-execution-callbacks/${encodeURIComponent(callback)}/succeed`,
  fail: (callback) => `/2025-12-01/durable-execution-callbacks/${encodeURIComponent(callback)}/fail`,
  stop: (arn) => `/2025-12-01/durable-executions/${encodeURIComponent(arn)}/stop`,
};

async function send(path, body) {
  const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (response.ok) return;
  const answer = await response.json().catch(() => ({}));
  throw new Error(answer.message ?? answer.Message ?? `the service answered ${response.status}`);
}

// Ends when no button of the pointer is down: what is drawn anew between press and release is not clicked. Not all browsers tell of a
// release on a scroll bar, so that it is not waited for longer than a click takes.
const LONGEST_PRESS_MS = 3000;
let pressedAt = null;
for (const [event, isDown] of [['pointerdown', true], ['pointerup', false], ['pointercancel', false]]) {
  document.addEventListener(event, () => { pressedAt = isDown ? performance.now() : null; }, true);
}

async function released() {
  while (pressedAt !== null && performance.now() - pressedAt < LONGEST_PRESS_MS) {
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

// Asks the service again and again; `on.timeline` gets what is new about the chosen execution.
function makeLive(settings, on) {
  const list = byId('executions');
  const items = el('ul', {});
  const empty = el('p', { class: 'notice' }, 'No execution yet. Start one: aws lambda invoke, or any AWS client with the address that serve printed.');
  const find = el('input', { type: 'search', placeholder: 'Find an execution', 'aria-label': 'Find an execution' });
  const trouble = el('p', { class: 'notice bad', role: 'alert', hidden: true });
  list.hidden = false;
  list.append(el('h2', {}, 'Executions'), find, trouble, empty, items);
  const state = { arn: null, version: null, executions: [], callbacks: [], isLost: false };
  let timer = 0;
  let isAsking = false;

  // Entries are kept and brought up to date: one that is drawn anew under the pointer is not clicked.
  const entries = new Map();

  function makeEntry(execution) {
    const [word, took] = [el('span', {}), el('span', {})];
    const button = el('button', { type: 'button', class: 'execution', 'data-arn': execution.arn, onclick: () => choose(execution.arn) },
      el('span', { class: 'first' }, el('strong', {}, execution.function), word),
      el('span', { class: 'second' }, el('span', { class: 'ellipsis' }, execution.name), took),
      el('span', { class: 'second' }, el('time', {}, `${formatInstant(execution.start_us).slice(0, 19)} UTC`)));
    return { item: el('li', {}, button), button, word, took };
  }

  function drawList() {
    const words = find.value.trim().toLowerCase();
    empty.hidden = state.executions.length > 0;
    const shown = state.executions
      .filter((execution) => `${execution.function} ${execution.name} ${execution.status}`.toLowerCase().includes(words))
      .slice(0, 500)
      .map((execution) => {
        if (!entries.has(execution.arn)) entries.set(execution.arn, makeEntry(execution));
        const entry = entries.get(execution.arn);
        if (entry.word.textContent !== execution.status) entry.word.replaceChildren(status(execution.status));
        entry.took.textContent = formatDuration((execution.end_us ?? state.now_us) - execution.start_us);
        if (execution.arn === state.arn) entry.button.setAttribute('aria-current', 'true');
        else entry.button.removeAttribute('aria-current');
        return entry.item;
      });
    if (shown.length === items.children.length && shown.every((item, index) => items.children[index] === item)) return;
    keepingFocus(items, () => items.replaceChildren(...shown));
  }

  function choose(arn) {
    if (arn === state.arn) return;
    state.arn = arn;
    state.version = null;
    drawList();
    on.chosen(arn);
    ask();
  }

  async function ask() {
    clearTimeout(timer);
    if (isAsking) return;
    isAsking = true;
    const asked = state.arn;
    try {
      const query = new URLSearchParams();
      if (asked) query.set('arn', asked);
      if (state.version !== null) query.set('version', state.version);
      const response = await fetch(`${settings.path}?${query}`, { cache: 'no-store' });
      if (!response.ok) throw new Error(`the service answered ${response.status}`);
      const answer = await response.json();
      await released();
      take(answer, asked);
      state.isLost = false;
      trouble.hidden = true;
    } catch (error) {
      state.isLost = true;
      trouble.textContent = `The service is out of reach (${error.message}); what is shown is the last that it told.`;
      trouble.hidden = false;
    }
    isAsking = false;
    const isStale = asked !== state.arn;
    timer = setTimeout(ask, isStale ? 0 : document.hidden || state.isLost ? settings.interval_ms * 4 : settings.interval_ms);
  }

  function take(answer, asked) {
    state.now_us = answer.now_us;
    const known = JSON.stringify(answer.executions);
    const isRunning = answer.executions.some((execution) => execution.end_us === null);
    if (known !== state.known || isRunning) {
      state.known = known;
      state.executions = answer.executions;
      drawList();
    }
    if (state.arn === null && answer.executions.length) {
      // The newest, until one is chosen.
      state.arn = answer.executions[0].arn;
      on.chosen(state.arn);
      drawList();
    }
    const selected = answer.selected;
    if (!selected || asked !== state.arn) return;
    state.callbacks = selected.callbacks;
    if (selected.timeline) {
      state.version = selected.version;
      on.timeline(selected.timeline);
    } else {
      on.clock(answer.now_us);
    }
  }

  // What is shown of an action: its buttons, and what became of it.
  function doing(said, work) {
    return async (event) => {
      event.preventDefault();
      said.textContent = 'Sending …';
      said.className = 'said';
      try {
        await work();
        said.textContent = 'Sent.';
        ask();
      } catch (error) {
        said.textContent = error.message;
        said.className = 'said bad';
      }
    };
  }

  function callbackForm(callback) {
    const said = el('p', { class: 'said', role: 'status' });
    const result = el('textarea', { rows: 3, spellcheck: 'false', 'aria-label': 'Result, as JSON' });
    result.value = '"approved"';
    const type = el('input', { value: 'Rejected', 'aria-label': 'Error type' });
    const message = el('input', { value: '', placeholder: 'why', 'aria-label': 'Error message' });
    const complete = doing(said, async () => {
      try {
        JSON.parse(result.value);
      } catch (error) {
        throw new Error(`The result is not JSON: ${error.message}`);
      }
      await send(api.succeed(callback.callback_id), result.value);
    });
    const fail = doing(said, () => send(api.fail(callback.callback_id), JSON.stringify({ ErrorType: type.value, ErrorMessage: message.value })));
    return el('div', { class: 'actions', 'data-key': callback.callback_id },
      el('p', { class: 'sub' }, 'This callback waits for an answer.'),
      el('form', { onsubmit: complete }, result, el('button', { type: 'submit', class: 'primary' }, 'Complete')),
      el('form', { onsubmit: fail, class: 'inline' }, type, message, el('button', { type: 'submit', class: 'danger' }, 'Fail')),
      said);
  }

  function stopButton(arn) {
    const said = el('span', { class: 'said', role: 'status' });
    const stop = doing(said, () => send(api.stop(arn), JSON.stringify({ ErrorType: 'Stopped', ErrorMessage: 'stopped from the page' })));
    return el('span', { class: 'stop', 'data-key': arn }, el('button', { type: 'button', class: 'danger', onclick: stop }, sign('stop'), 'Stop'), said);
  }

  find.addEventListener('input', drawList);
  document.addEventListener('visibilitychange', () => document.hidden || ask());
  return {
    start(arn) {
      state.arn = arn;
      ask();
    },
    arn: () => state.arn,
    choose,
    callbackOf: (id) => state.callbacks.find((callback) => callback.operation_id === id),
    callbackForm,
    stopButton,
  };
}
