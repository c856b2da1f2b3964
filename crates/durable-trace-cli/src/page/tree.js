// Rows of a timeline as a tree: what each is, which are shown.

// What rows are grouped by, for colour, sign and filter; in the order of the filters.
const CATEGORIES = {
  execution: 'Execution',
  invocation: 'Invocations',
  step: 'Steps',
  wait: 'Waits',
  condition: 'Conditions',
  callback: 'Callbacks',
  invoke: 'Invokes',
  context: 'Contexts',
  checkpoint: 'Checkpoints',
  asleep: 'Asleep',
  span: 'Other spans',
};

const CATEGORY_OF_TYPE = {
  EXECUTION: 'execution',
  STEP: 'step',
  WAIT: 'wait',
  CALLBACK: 'callback',
  CHAINED_INVOKE: 'invoke',
  CONTEXT: 'context',
  'aws.lambda': 'invocation',
  'aws.durable.execute': 'invocation',
  'aws.durable.step': 'step',
  'aws.durable.wait': 'wait',
  'aws.durable.wait_for_condition': 'condition',
  'aws.durable.create_callback': 'callback',
  'aws.durable.invoke': 'invoke',
  'aws.durable.child_context': 'context',
  'aws.durable.map': 'context',
  'aws.durable.parallel': 'context',
  'aws.durable.wait_for_callback': 'context',
  'aws.durable.suspended': 'asleep',
};

// How a status reads: `good`, `bad`, `open` (under way), `pending` (it will go on by itself).
const TONES = {
  SUCCEEDED: 'good',
  OK: 'good',
  COMPLETED: 'good',
  FAILED: 'bad',
  ERROR: 'bad',
  TIMED_OUT: 'bad',
  STOPPED: 'bad',
  CANCELLED: 'bad',
  RUNNING: 'open',
  STARTED: 'open',
  PENDING: 'pending',
  READY: 'pending',
  RETRY: 'pending',
};

const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

function toneOf(status) {
  return own(TONES, String(status).toUpperCase()) ?? 'plain';
}

function categoryOf(row) {
  if (row.is_checkpoint) return 'checkpoint';
  if (row.kind === 'execution') return 'execution';
  if (row.subtype === 'WaitForCondition') return 'condition';
  return own(CATEGORY_OF_TYPE, row.type) ?? (row.kind === 'span' ? 'span' : 'context');
}

// Many languages repeat the type before the message.
function withoutType({ type, message }) {
  const prefix = `${type}: `;
  return type && message?.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function describeError(error) {
  if (!error) return '';
  return [error.type, withoutType(error)].filter(Boolean).join(': ') || 'unknown error';
}

// A timeline with its rows in the order in which they are drawn; each knows its children and what it is found by.
function makeTree(timeline) {
  const rows = timeline.rows.map((row, index) => ({
    ...row,
    index,
    category: categoryOf(row),
    tone: toneOf(row.status),
    isOpen: row.end_us === null,
    end: row.end_us ?? Math.max(timeline.until_us, row.start_us),
    hasError: Boolean(row.error) || toneOf(row.status) === 'bad' || row.attempts.some((attempt) => attempt.error || toneOf(attempt.outcome) === 'bad'),
    children: [],
    above: null,
    level: 1,
    text: '',
  }));
  const roots = [];
  for (const row of rows) {
    row.text = [
      row.id, row.name, row.type, row.subtype, row.status, row.waits_for, describeError(row.error),
      ...row.attempts.map((attempt) => describeError(attempt.error)),
      ...Object.entries(row.details).flat(),
    ].filter(Boolean).join('\n').toLowerCase();
    // A parent comes before its children; anything else would be a ring.
    const parent = Number.isInteger(row.parent) && row.parent < row.index ? rows[row.parent] : null;
    if (parent) {
      row.above = parent;
      parent.children.push(row);
    } else {
      roots.push(row);
    }
  }
  const order = [];
  const waiting = roots.slice().reverse();
  while (waiting.length) {
    const row = waiting.pop();
    row.level = row.above ? row.above.level + 1 : 1;
    order.push(row);
    for (let index = row.children.length - 1; index >= 0; index -= 1) waiting.push(row.children[index]);
  }
  let from = timeline.execution.start_us;
  let to = timeline.execution.end_us ?? timeline.until_us;
  for (const row of rows) {
    from = Math.min(from, row.start_us);
    to = Math.max(to, row.end);
  }
  return { timeline, rows, order, byId: new Map(rows.map((row) => [row.id, row])), span: { from, to } };
}

// Which rows are shown, in order, with their places among their shown siblings; and how many were asked for.
//
// What matches brings its ancestors with it. While something is searched for, what is closed counts as open.
function shownRows(tree, filter, closed) {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const isNarrowed = words.length > 0 || filter.errorsOnly || filter.without.size > 0;
  const matches = (row) =>
    !(filter.hideReplays && row.is_replay)
    && !(filter.errorsOnly && !row.hasError)
    && !filter.without.has(row.category)
    && words.every((word) => row.text.includes(word));
  const wanted = new Set();
  const matched = new Set();
  for (const row of tree.order) {
    if (!matches(row)) continue;
    matched.add(row);
    for (let at = row; at && !wanted.has(at); at = at.above) wanted.add(at);
  }
  const rows = [];
  const siblings = new Map();
  const hidden = new Set();
  for (const row of tree.order) {
    if (!wanted.has(row)) continue;
    if (row.above && (hidden.has(row.above) || (!isNarrowed && closed.has(row.above.id)))) {
      hidden.add(row);
      continue;
    }
    const place = (siblings.get(row.above) ?? 0) + 1;
    siblings.set(row.above, place);
    rows.push({ row, place, setSize: 0, hasChildren: row.children.some((child) => wanted.has(child)), isMatch: matched.has(row) });
  }
  for (const shown of rows) shown.setSize = siblings.get(shown.row.above);
  return { rows, matched: matched.size, isNarrowed, isSearch: words.length > 0 };
}
