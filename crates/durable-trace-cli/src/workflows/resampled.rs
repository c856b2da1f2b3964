//! A workflow whose sampling decision is made again when it is resumed.
//!
//! The tracer keeps the decision that it is handed, as it should. Somebody who wants sampling rules to count for
//! executions that were asleep when the rules came wraps the propagator, as here: of an automatic decision the resumed
//! invocation is not told, so that the tracer decides by the rules it has now. Decisions of users are kept, and so the
//! third invocation goes on with what the second one decided.

use std::{collections::HashMap, time::Duration};

use aws_durable_execution_sdk::{BoxError, DurableContext};
use datadog_opentelemetry::{
    configuration::{Config, SamplingRuleConfig},
    log::LevelFilter,
};
use durable_trace::Options;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};
use serde_json::Value;

const PRIORITY: &str = "x-datadog-sampling-priority";

/// How long the exporter may take at the end of an invocation.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) async fn serve(resource: &'static str) -> Result<(), lambda_runtime::Error> {
    let (provider, propagator) = datadog_opentelemetry::tracing()
        .with_config(config())
        .init_local();
    let options = Options::builder()
        .resource(resource)
        .tracer_provider(provider)
        .propagator(Reconsider { inner: propagator })
        .build()?;
    durable_trace::run_with_options(resampled, options).await
}

async fn resampled(_event: Value, ctx: DurableContext) -> Result<i32, BoxError> {
    let before: i32 = ctx.step(|_| async { Ok(1) }).name("before").await?;
    ctx.wait(Duration::from_secs(1)).name("w1").await?;
    let between = ctx
        .step(move |_| async move { Ok(before + 1) })
        .name("between")
        .await?;
    ctx.wait(Duration::from_secs(1)).name("w2").await?;
    let after = ctx
        .step(move |_| async move { Ok(between + 1) })
        .name("after")
        .await?;
    Ok(after)
}

/// The tracer from `DD_*`, with a rule that keeps every resumed invocation and says nothing of first ones.
fn config() -> Config {
    let mut config = Config::builder();
    if let Ok(service) = std::env::var("AWS_LAMBDA_FUNCTION_NAME")
        && std::env::var_os("DD_SERVICE").is_none()
    {
        config.set_service(service);
    }
    config.set_trace_sampling_rules(vec![SamplingRuleConfig {
        sample_rate: 1.0,
        tags: HashMap::from([("aws.durable.first_invocation".into(), "false".into())]),
        ..SamplingRuleConfig::default()
    }]);
    config.set_trace_partial_flush_enabled(true);
    config.set_trace_partial_flush_min_spans(1);
    config.set_log_level_filter(LevelFilter::Off);
    config.set_trace_writer_force_flush_timeout(FLUSH_TIMEOUT);
    config.build()
}

/// A propagator that does not tell the tracer of automatic sampling decisions.
#[derive(Debug)]
struct Reconsider<P> {
    inner: P,
}

impl<P: TextMapPropagator> TextMapPropagator for Reconsider<P> {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.inner.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.inner
            .extract_with_context(context, &WithoutAutomatic(extractor))
    }

    fn fields(&self) -> FieldIter<'_> {
        self.inner.fields()
    }
}

struct WithoutAutomatic<'a>(&'a dyn Extractor);

impl Extractor for WithoutAutomatic<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?;
        // 0 and 1 are a tracer's own decisions, -1 and 2 somebody's will.
        let is_automatic = key.eq_ignore_ascii_case(PRIORITY) && matches!(value.trim(), "0" | "1");
        (!is_automatic).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_automatic_decisions_are_withheld() {
        for (value, withheld, why) in [
            ("0", true, "the tracer rejected"),
            ("1", true, "the tracer kept"),
            (" 1", true, "a blank"),
            ("2", false, "somebody kept"),
            ("-1", false, "somebody rejected"),
        ] {
            let carrier = HashMap::from([
                (PRIORITY.to_owned(), value.to_owned()),
                ("x-datadog-origin".to_owned(), value.to_owned()),
            ]);
            let seen = WithoutAutomatic(&carrier);
            assert_eq!(seen.get(PRIORITY).is_none(), withheld, "{why}: {value:?}");
            assert_eq!(
                seen.get("x-datadog-origin"),
                Some(value),
                "{why}: another header"
            );
        }
    }
}
