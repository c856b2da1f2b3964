//! Makes a report of what the service recorded and what the intake received.

use std::collections::{HashMap, HashSet};

use durable_trace_local::{
    CallRecord, ExecutionRecord, InvocationRecord, OperationRecord, Service,
};
use serde_json::Value;

use crate::{
    report::{self, Execution, Failure, Invocation, Means, Operation, Report, Resume},
    span::Span,
};

/// The report of a run whose first execution is the demo's own; none if there was no execution.
pub(super) fn report(
    workflow: &str,
    service: &Service,
    spans: Vec<Span>,
    requests: Vec<Value>,
) -> Option<Report> {
    let inputs: HashMap<String, String> = service
        .executions()
        .into_iter()
        .map(|execution| (execution.arn, execution.input))
        .collect();
    let executions: Vec<Execution> = service.executions().into_iter().map(execution).collect();
    let records = service.invocations();
    let mut invocations: Vec<Invocation> = records.iter().map(invocation).collect();
    let mut operations: Vec<Operation> = executions
        .iter()
        .flat_map(|e| {
            let records = service.operations(&e.arn);
            records.into_iter().map(|record| operation(&e.arn, record))
        })
        .collect();
    let written: Vec<_> = records
        .iter()
        .map(|record| (record.index, record.arn.as_str(), written_ids(record)))
        .collect();
    report::note_writers(&mut operations, &written);

    let mut spans = report::attribute_spans(spans, &invocations);
    spans.extend(report::spans_of(&requests, &invocations));
    for invocation in &mut invocations {
        let input = inputs.get(&invocation.execution_arn).map(String::as_str);
        invocation.context = Resume::of(invocation, &spans, &operations, input);
    }
    let own = executions.first()?.clone();
    Some(Report {
        workflow: workflow.to_owned(),
        input: inputs.get(&own.arn).cloned().unwrap_or_default(),
        execution_arn: own.arn,
        status: own.status,
        result: own.result,
        error: own.error,
        executions,
        invocations,
        operations,
        spans,
        requests,
    })
}

fn execution(record: ExecutionRecord) -> Execution {
    Execution {
        arn: record.arn,
        function: record.function,
        status: record.status.to_string(),
        result: record.result,
        error: record.error.map(|error| Failure {
            kind: error.error_type,
            message: error.error_message,
        }),
    }
}

fn invocation(record: &InvocationRecord) -> Invocation {
    let written = accepted(&record.calls)
        .filter_map(|updates| {
            let name = updates.iter().find_map(|update| {
                let (id, name) = (text(update, "Id")?, text(update, "Name")?);
                report::is_checkpoint(&record.arn, id, name).then(|| name.to_owned())
            })?;
            let means = if updates.len() > 1 {
                Means::Ride
            } else {
                Means::Call
            };
            Some((name, means))
        })
        .last();
    Invocation {
        index: record.index,
        execution_arn: record.arn.clone(),
        request_id: record.request_id.clone(),
        status: record.status.to_string(),
        context: None,
        api_calls: record
            .calls
            .iter()
            .map(|call| call.operation.clone())
            .collect(),
        checkpoint_by: written.as_ref().map(|(_, means)| *means),
        checkpoint_written: written.map(|(name, _)| name),
    }
}

fn operation(arn: &str, record: OperationRecord) -> Operation {
    Operation {
        execution_arn: arn.to_owned(),
        id: record.id,
        name: record.name,
        kind: record.r#type.to_string(),
        subtype: record.sub_type,
        status: record.status.to_string(),
        parent_id: record.parent_id,
        result: record.result,
        written_by: None,
    }
}

fn written_ids(record: &InvocationRecord) -> HashSet<&str> {
    accepted(&record.calls)
        .flatten()
        .filter_map(|update| text(update, "Id"))
        .collect()
}

/// The updates of each request that the service took.
fn accepted(calls: &[CallRecord]) -> impl Iterator<Item = &Vec<Value>> {
    calls
        .iter()
        .filter(|call| call.status == 200)
        .filter_map(|call| call.request.get("Updates")?.as_array())
}

fn text<'a>(update: &'a Value, key: &str) -> Option<&'a str> {
    update.get(key)?.as_str()
}
