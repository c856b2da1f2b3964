// Timelines, as docs/timeline.md has them, that show each thing the page draws.

const START = Date.UTC(2026, 10, 28, 6, 0, 0) * 1000;
const ms = (milliseconds) => START + Math.round(milliseconds * 1000);

export const TRACE = '6b0402da00000000803fd619f9906112';

export function row(fields) {
  const { start, end = start, ...rest } = fields;
  return {
    parent: null, depth: 0, kind: 'operation', type: 'STEP', subtype: null, status: 'SUCCEEDED', invocation: 0, attempts: [], error: null,
    waits_for: null, is_replay: false, is_checkpoint: false, details: {},
    ...rest, start_us: ms(start), end_us: end === null ? null : ms(end),
  };
}

export function timeline(fields) {
  const { end, until = end, gaps = [], invocations = [], status = 'SUCCEEDED', execution = {}, ...rest } = fields;
  const asleep = gaps.reduce((sum, [from, to]) => sum + (to - from), 0);
  return {
    schema: 1,
    execution: {
      arn: 'arn:aws:lambda:us-east-1:123456789012:function:order:$LATEST/durable-execution/a-1001/0b3e', name: 'a-1001', function: 'order', status,
      start_us: ms(0), end_us: end === null ? null : ms(end), duration_us: until * 1000, error: null, ...execution,
    },
    until_us: ms(until),
    running_us: (until - asleep) * 1000,
    asleep_us: asleep * 1000,
    invocations: invocations.map(([from, to, word = 'PENDING'], index) => ({
      index, request_id: `5f0d3c1e-0000-4000-8000-00000000000${index}`, status: word, start_us: ms(from), end_us: to === null ? null : ms(to),
      is_start_estimated: false, error: null,
    })),
    gaps: gaps.map(([from, to, ...waits_for]) => ({ start_us: ms(from), end_us: ms(to), waits_for, is_estimated: false })),
    rows: [],
    checkpoints: [],
    trace: null,
    warnings: [],
    ...rest,
  };
}

const checkpoint = (index, at, changed = []) => ({
  name: `_datadog_${index}`, at_us: ms(at), trace_id: TRACE, trace_id_decimal: '9241389164803743001', parent_id: '14855727823604523273', sampling_priority: 1,
  origin: index ? 'rum' : null, tags: { '_dd.p.dm': '-0', '_dd.p.tid': '6b0402da00000000' }, changed, is_known: true, unreadable: null,
});

const declined = { type: 'CardDeclined', message: 'try again in a second' };

// The demo's order, as it really goes: a retry, a wait of two days, three invocations.
export function order() {
  const night = 2 * 86400e3;
  const invocations = [[0, 333], [1280, 1328], [1328 + night, 1389 + night, 'SUCCEEDED']];
  const gaps = [[333, 1280, 'retry of payment'], [1328, 1328 + night, 'wait packing']];
  const shared = {
    end: 1389 + night, invocations, gaps,
    trace: { trace_id: TRACE, parent_id: '14855727823604523273', url: `https://app.datadoghq.com/apm/trace/${TRACE}` },
    checkpoints: [checkpoint(0, 320)],
  };
  const attempts = [
    { number: 1, start_us: ms(42), end_us: ms(225), outcome: 'FAILED', error: declined, next_delay_s: 1 },
    { number: 2, start_us: ms(1290), end_us: ms(1303.5), outcome: 'SUCCEEDED', error: null, next_delay_s: null },
  ];
  const span = (fields) => row({ kind: 'span', status: 'ok', ...fields });
  return {
    title: 'order',
    views: [
      {
        label: 'Trace',
        timeline: timeline({
          ...shared,
          rows: [
            span({ id: '1', type: 'aws.lambda', name: 'order', status: 'pending', start: 0, end: 333 }),
            span({ id: '2', parent: 0, type: 'aws.durable.execute', name: 'order', status: 'pending', start: 1, end: 333 }),
            span({ id: '3', parent: 1, type: 'aws.durable.step', name: 'validation', start: 8, end: 35.6 }),
            span({ id: '4', parent: 1, type: 'aws.durable.step', name: 'payment', status: 'error', start: 42, end: 225, error: declined, details: { attempt: '1' } }),
            span({ id: '5', parent: 3, type: 'internal', name: 'card.authorize', start: 60, end: 210 }),
            span({ id: '6', parent: 1, type: 'aws.lambda', name: 'order', status: 'pending', start: 1280, end: 1328, invocation: 1 }),
            span({ id: '7', parent: 5, type: 'aws.durable.execute', name: 'order', status: 'pending', start: 1281, end: 1328, invocation: 1 }),
            span({ id: '8', parent: 6, type: 'aws.durable.step', name: 'validation', start: 1283, end: 1283, invocation: 1, is_replay: true }),
            span({ id: '9', parent: 6, type: 'aws.durable.step', name: 'payment', start: 1290, end: 1303.5, invocation: 1, details: { attempt: '2' } }),
            span({ id: '10', parent: 8, type: 'internal', name: 'card.authorize', start: 1292, end: 1296, invocation: 1 }),
            span({ id: '11', parent: 1, type: 'aws.lambda', name: 'order', status: 'succeeded', start: 1328 + night, end: 1389 + night, invocation: 2 }),
            span({ id: '12', parent: 10, type: 'aws.durable.execute', name: 'order', status: 'succeeded', start: 1329 + night, end: 1389 + night, invocation: 2 }),
            span({ id: '13', parent: 11, type: 'aws.durable.wait', name: 'packing', start: 1320, end: 1330 + night, invocation: 2 }),
            span({ id: '14', parent: 11, type: 'aws.durable.step', name: 'shipment', start: 1340 + night, end: 1365 + night, invocation: 2 }),
            span({ id: '15', parent: 13, type: 'internal', name: 'parcel.label', start: 1342 + night, end: 1360 + night, invocation: 2 }),
          ],
        }),
      },
      {
        label: 'Operations',
        timeline: timeline({
          ...shared,
          rows: [
            row({ id: 'execution', kind: 'execution', type: 'EXECUTION', name: 'order', start: 0, end: 1389 + night }),
            row({ id: 'op-1', parent: 0, name: 'validation', subtype: 'Step', start: 8, end: 35.6 }),
            row({ id: 'op-2', parent: 0, name: 'payment', subtype: 'Step', start: 42, end: 1303.5, attempts }),
            row({ id: 'op-3', parent: 0, type: 'STEP', name: '_datadog_0', start: 320, is_checkpoint: true }),
            row({ id: 'op-4', parent: 0, type: 'WAIT', subtype: 'Wait', name: 'packing', start: 1320, end: 1328 + night, invocation: 1, waits_for: 'until 2026-11-30T06:00:01Z' }),
            row({ id: 'op-5', parent: 0, name: 'shipment', subtype: 'Step', start: 1340 + night, end: 1365 + night, invocation: 2 }),
          ],
        }),
      },
    ],
    live: null,
  };
}

// Something of everything that has gone wrong, and a callback that is open.
export function trouble() {
  const error = { type: 'ChargeFailed', message: 'the bank said no\nand gave no reason' };
  return {
    title: 'trouble',
    views: [{
      label: 'Operations',
      timeline: timeline({
        end: null, until: 600e3, status: 'RUNNING',
        invocations: [[0, 120], [30e3, 30.4e3, 'FAILED'], [60e3, 60.2e3]],
        gaps: [[120, 30e3, 'retry of charge'], [30.4e3, 60e3], [60.2e3, 600e3, 'callback approval']],
        rows: [
          row({ id: 'x', kind: 'execution', type: 'EXECUTION', name: 'trouble', status: 'RUNNING', start: 0, end: null }),
          row({ id: 'a', parent: 0, name: 'charge', status: 'FAILED', start: 10, end: 30.3e3, error, attempts: [
            { number: 1, start_us: ms(10), end_us: ms(50), outcome: 'FAILED', error, next_delay_s: 30 },
            { number: 2, start_us: ms(30.1e3), end_us: ms(30.3e3), outcome: 'FAILED', error, next_delay_s: null },
          ] }),
          row({ id: 'b', parent: 0, type: 'CONTEXT', subtype: 'Parallel', name: 'notify', status: 'SUCCEEDED', start: 60, end: 110 }),
          row({ id: 'c', parent: 2, type: 'CHAINED_INVOKE', subtype: 'ChainedInvoke', name: 'mail', start: 62, end: 108 }),
          row({ id: 'd', parent: 2, name: 'poll', subtype: 'WaitForCondition', start: 64, end: 90 }),
          row({ id: 'e', parent: 0, type: 'CALLBACK', subtype: 'Callback', name: 'approval', status: 'STARTED', start: 60.1e3, end: null, waits_for: 'callback c-1' }),
          row({ id: 'f', parent: 0, name: '_datadog_0', start: 100, is_checkpoint: true }),
          row({ id: 'g', parent: 0, name: '_datadog_1', start: 60.15e3, is_checkpoint: true, invocation: 2 }),
        ],
        checkpoints: [checkpoint(0, 100), checkpoint(1, 60.15e3, ['origin']), { ...checkpoint(2, 60.16e3), trace_id: null, trace_id_decimal: null, parent_id: null, sampling_priority: null, tags: {}, is_known: false, unreadable: 'its payload is not JSON' }],
        trace: { trace_id: TRACE, parent_id: '1', url: null },
        warnings: [
          { kind: 'anchor-moved', message: '_datadog_1 names another parent than _datadog_0: the trace has two anchors.' },
          { kind: 'unreadable-checkpoint', message: '_datadog_2 holds no context: its payload is not JSON.' },
        ],
      }),
    }],
    live: null,
  };
}

export const HOSTILE = '<script>window.broken = 1</script>';

// Text that would be markup if it were taken for it, in every place that text goes to.
export function hostile() {
  const image = '<img src=x onerror="window.broken = 1">';
  return {
    title: HOSTILE,
    views: [{
      label: `Operations ${image}`,
      note: image,
      timeline: timeline({
        end: 100, invocations: [[0, 100, HOSTILE]],
        execution: { arn: image, name: image, function: HOSTILE, error: { type: image, message: HOSTILE } },
        rows: [
          row({ id: HOSTILE, name: HOSTILE, type: image, subtype: image, status: image, start: 0, end: 100, error: { type: image, message: '</script><script>window.broken = 1</script>' }, waits_for: image, details: { [image]: HOSTILE } }),
          row({ id: 'constructor', parent: 0, name: '__proto__', type: 'constructor', status: 'toString', start: 5, end: 20 }),
          row({ id: 'b', parent: 0, name: '{{script}}{{data}}', start: 10, end: 20, attempts: [{ number: 1, start_us: ms(10), end_us: ms(20), outcome: image, error: { type: HOSTILE, message: null }, next_delay_s: 1 }] }),
          row({ id: 'c', parent: 7, name: 'a parent that comes after it', start: 10, end: 20 }),
        ],
        checkpoints: [{ ...checkpoint(0, 50), name: image, origin: image, tags: { [image]: image }, changed: [image] }],
        warnings: [{ kind: image, message: HOSTILE }],
        trace: { trace_id: image, parent_id: image, url: 'javascript:window.broken=1' },
      }),
    }],
    live: null,
  };
}

// Nothing has happened yet.
export function empty() {
  return { title: 'empty', views: [{ label: 'Operations', timeline: timeline({ end: null, until: 0, status: 'RUNNING', execution: { arn: null, name: null, function: null } }) }], live: null };
}

// A map over many items, in `count` rows.
export function large(count) {
  const rows = [row({ id: 'map', type: 'CONTEXT', subtype: 'Map', name: 'items', start: 0, end: count * 10 })];
  while (rows.length < count) {
    const index = rows.length;
    const parent = index % 10 === 1 ? 0 : index - ((index - 1) % 10) - 1 + 1;
    if (index % 10 === 1) rows.push(row({ id: `i${index}`, parent: 0, type: 'CONTEXT', subtype: 'MapIteration', name: `item ${(index - 1) / 10}`, start: index * 10, end: index * 10 + 95 }));
    else rows.push(row({ id: `s${index}`, parent, name: `step ${index}`, start: index * 10, end: index * 10 + 8, ...(index % 997 === 0 ? { status: 'FAILED', error: declined } : {}) }));
  }
  return {
    title: 'large',
    views: [{ label: 'Operations', timeline: timeline({ end: count * 10, invocations: [[0, count * 4], [count * 5, count * 10, 'SUCCEEDED']], gaps: [[count * 4, count * 5, 'wait']], rows }) }],
    live: null,
  };
}
