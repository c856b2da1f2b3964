//! What stands under the options in each command's help.

pub(super) const PROGRAM: &str = r"Examples:
  durable-trace demo                             one order, several processes, one trace
  durable-trace serve --function f=./bootstrap   a durable execution service on this machine
  durable-trace explain < event.json             why did my trace break?
  durable-trace inspect history.json             what happened, and when?
  durable-trace export ARN --to agent            its whole trace, from history alone
  durable-trace doctor                           what is wrong with my set-up?";

pub(super) const DEMO: &str = r"Examples:
  durable-trace demo
  durable-trace demo step-wait-step --format json | jq .spans
  durable-trace demo --html demo.html            its waterfall, for a browser
  durable-trace demo --list
  durable-trace demo --view execution                one span for the whole execution
  durable-trace demo otel-retry --view invocation --format otlp-json
  durable-trace demo --agent http://localhost:8126   show it in Datadog as well";

pub(super) const DOCTOR: &str = r#"Examples:
  durable-trace doctor
  DD_TRACE_AGENT_URL=http://localhost:8126 durable-trace doctor
  durable-trace doctor --offline --format json | jq '.checks[] | select(.result == "warning")'

Results:
  ok       looked at, and nothing is wrong
  warning  something is wrong: what, what comes of it, what to do
  skipped  not looked at, and why"#;

pub(super) const EXPLAIN: &str = r#"Examples:
  durable-trace explain < event.json
  durable-trace explain < event.json \
    --headers '{"x-datadog-trace-id":"7","x-datadog-parent-id":"9"}'

Decisions:
  write        a suspension would save `write`
  unchanged    the checkpoint that was read says it all
  off          the environment switches writing off
  cap          the log has no room left
  no-context   the headers hold no usable ids
  not-asked    no --headers
  not-durable  no event of a durable function

Reasons for which a checkpoint is skipped:
  not-canonical     the name's number has a sign, a leading zero or is no number
  not-a-step        the operation is not a STEP
  duplicate-number  an earlier operation has the same number
  no-payload        the step has no result
  not-json          its result is not JSON
  not-an-object     its result is JSON, but no object
  no-valid-context  its headers hold no usable ids
  unknown-id        no tracing library makes its operation id, and another one served"#;

pub(super) const EXPORT: &str = r"Examples:
  durable-trace export ARN --to agent
  durable-trace export ARN --to otlp http://localhost:4318
  durable-trace export history.json --to file trace.json --format chrome    for https://ui.perfetto.dev
  durable-trace export --function order --since 24h --to agent --dry-run    how many would it be?";

pub(super) const EXTRACT: &str = r#"Examples:
  jq -c . event.json | durable-trace extract
  echo '{"headers":{"x-datadog-trace-id":"42","x-datadog-parent-id":"7"}}' | durable-trace extract
  echo '{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}' \
    | durable-trace extract --from headers"#;

pub(super) const INJECT: &str = r#"Example:
  echo '{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"7"}' | durable-trace inject"#;

pub(super) const INSPECT: &str = r"Examples:
  durable-trace inspect ARN                       live, with the AWS CLI's configuration
  aws lambda get-durable-execution-history --durable-execution-arn ARN --include-execution-data > history.json
  durable-trace inspect history.json
  durable-trace inspect history.json --html execution.html   its waterfall, for a browser
  durable-trace inspect history.json --format json | jq .gaps
  durable-trace inspect ARN --follow --profile prod
  durable-trace inspect ARN --endpoint-url http://127.0.0.1:9001   # of durable-trace serve";

pub(super) const SERVE: &str = r"Examples:
  durable-trace serve --function order=target/debug/bootstrap --clock skip
  # then, in another shell, with the variables that it printed:
  aws lambda invoke --function-name order --payload '{}' \
    --cli-binary-format raw-in-base64-out /dev/stdout

  # functions for AWS's local runner, which keeps the executions:
  AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:5000 AWS_REGION=us-west-2 \
    AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
    durable-trace serve --invoke-only --port 3001 --function order=target/debug/bootstrap
  dex-local-runner start-server --host 127.0.0.1 --lambda-endpoint http://127.0.0.1:3001";
