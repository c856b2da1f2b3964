//! The pieces of work that are measured.

use std::collections::HashMap;
use std::hint::black_box;

use datadog_opentelemetry::configuration::{Config, TracePropagationStyle};
use durable_trace_wire::{
    Context, DEFAULT_TAGS_MAX_LENGTH, Found, Headers, Invocation, SpanId, WriteRules, decide, read,
};
use opentelemetry::propagation::TextMapPropagator;

use crate::event::ARN;

/// Headers of a request that continues a trace: Datadog's.
pub const DATADOG: [(&str, &str); 5] = [
    ("x-datadog-trace-id", "9242350178254627602"),
    ("x-datadog-parent-id", "14855727823604523273"),
    ("x-datadog-sampling-priority", "1"),
    ("x-datadog-origin", "lambda"),
    ("x-datadog-tags", "_dd.p.dm=-0,_dd.p.tid=6b0402da00000000"),
];

/// W3C's, of the same trace.
pub const TRACE_CONTEXT: [(&str, &str); 2] = [
    (
        "traceparent",
        "00-6b0402da00000000803fd619f9906112-ce29c4bd5d3de109-01",
    ),
    (
        "tracestate",
        "dd=s:1;o:lambda;p:ce29c4bd5d3de109;t.dm:-0,other=00f067aa0ba902b7",
    ),
];

/// Headers to a context, by our codec.
pub fn extract(headers: &[(&str, &'static str)]) -> Context {
    let headers = Headers::from_pairs(headers.iter().copied());
    Context::extract(&headers).expect("a context").0
}

/// A context to headers, by our codec.
pub fn inject(style: &str, context: &Context) -> Headers<'static> {
    match style {
        "datadog" => context.to_datadog(DEFAULT_TAGS_MAX_LENGTH),
        _ => context.to_tracecontext(),
    }
}

/// The same by Datadog's crate, as it is used from outside: its propagator, and a map.
pub struct Theirs(Box<dyn TextMapPropagator>);

impl Theirs {
    pub fn new(style: &str) -> Self {
        let style = match style {
            "datadog" => TracePropagationStyle::Datadog,
            _ => TracePropagationStyle::TraceContext,
        };
        let mut config = Config::builder();
        config
            .set_trace_propagation_style(vec![style])
            .set_telemetry_enabled(false)
            .set_remote_config_enabled(false);
        let (_, propagator) = datadog_opentelemetry::tracing()
            .with_config(config.build())
            .init_local();
        Self(Box::new(propagator))
    }

    pub fn extract(&self, headers: &HashMap<String, String>) -> opentelemetry::Context {
        self.0
            .extract_with_context(&opentelemetry::Context::new(), headers)
    }

    pub fn inject(&self, context: &opentelemetry::Context) -> HashMap<String, String> {
        let mut headers = HashMap::new();
        self.0.inject_context(context, &mut headers);
        headers
    }
}

/// The body of a request as text: looked at when the event is read, and when it is walked.
pub fn body(event: &[u8]) -> &str {
    std::str::from_utf8(event)
        .and_then(|text| std::str::from_utf8(black_box(text.as_bytes())))
        .expect("an event")
}

/// A suspension of the execution whose event was read.
pub struct Decision {
    found: Found,
    injected: Headers<'static>,
    operations: usize,
}

impl Decision {
    pub fn new(invocation: &Invocation<'_>) -> Self {
        let found = read(ARN, &invocation.operations)
            .found
            .expect("a checkpoint");
        Self {
            injected: found.context.to_datadog(DEFAULT_TAGS_MAX_LENGTH),
            found,
            operations: invocation.operation_count,
        }
    }

    /// Nothing has changed: nothing is to be written.
    pub fn decide(&self) -> durable_trace_wire::Decision {
        self.ask(Some(&self.found))
    }

    /// There is no checkpoint yet: one is made.
    pub fn write(&self) -> durable_trace_wire::Decision {
        self.ask(None)
    }

    fn ask(&self, prior: Option<&Found>) -> durable_trace_wire::Decision {
        let rules = WriteRules {
            operation_cap: usize::MAX,
            ..WriteRules::default()
        };
        let anchor = SpanId::new(1).expect("not zero");
        decide(
            ARN,
            prior,
            &self.injected,
            anchor,
            Some(1),
            self.operations,
            &rules,
        )
    }
}
