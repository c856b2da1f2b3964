'use strict'

// Datadog's JavaScript packages, asked over lines of JSON: `python_side.py` says how.

const path = require('node:path')
const readline = require('node:readline')

const packages = process.argv[2]
const tracer = require(path.join(packages, 'dd-trace')).init()
const lambda = file => require(path.join(packages, 'datadog-lambda-js/dist', file))
const { TraceContextExtractor } = lambda('trace/context/extractor.js')
const { TracerWrapper } = lambda('trace/tracer-wrapper.js')
const { saveTraceContextCheckpointIfUpdated } = require(
  path.join(packages, 'dd-trace/packages/datadog-plugin-aws-durable-execution-sdk-js/src/trace-checkpoint.js'))

const extractor = new TraceContextExtractor(new TracerWrapper(), {})

async function read (event) {
  const found = await extractor.extract(event, {})
  if (!found) return null
  const context = found.spanContext
  const tags = Object.entries(context._trace.tags).filter(([key]) => key.startsWith('_dd.p.') && key !== '_dd.p.tid')
  return {
    trace_id: context.toTraceId(true),
    parent_id: context.toSpanId(),
    sampling_priority: context._sampling.priority ?? null,
    origin: context._trace.origin ?? null,
    tags: Object.fromEntries(tags),
  }
}

async function write ({ event, headers }) {
  const upstream = headers ? tracer.extract('text_map', headers) : undefined
  const span = tracer.startSpan('aws.durable.execute', { childOf: upstream })
  const context = span.context()
  const updates = []
  // Stands where the SDK's checkpoint manager does, and keeps the updates instead of sending them.
  const checkpoint = async (id, update) => { updates.push(update) }
  // The tracer that plugins get is the one inside the public proxy.
  await saveTraceContextCheckpointIfUpdated(
    tracer._tracer, span, { checkpoint: { checkpoint } }, context.toSpanId(), event)
  return { trace_id: context.toTraceId(true), span_id: context.toSpanId(), updates }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line)
    const answer = 'read' in request ? await read(request.read) : await write(request.write)
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0)
}

main()
