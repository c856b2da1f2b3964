//! Which tracer is used: the user's own, or Datadog's made from `DD_*`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::config::View;
use crate::logging::Identity;
use crate::options::Options;
use crate::spans::Tracing;
use crate::warning::Warning;

/// A tracer that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) tracing: Arc<Tracing>,
    /// The service that it is for, if it says so.
    pub(crate) identity: Option<Identity>,
    /// Where its agent listens, if that is on this machine.
    pub(crate) loopback_agent: Option<SocketAddr>,
    /// Whether one of its spans has ended since spans were sent; `None` where nobody knows.
    pub(crate) unsent: Option<Arc<AtomicBool>>,
    /// What its user can mend. Said later: a subscriber that hears it may not be set yet.
    pub(crate) warnings: Vec<Warning>,
}

/// The tracer that `options` ask for; `None` when tracing is switched off.
pub(crate) fn set_up(options: &Options) -> Option<Setup> {
    if !options.settings.enabled {
        return None;
    }
    let mut setup = set_up_tracer(options)?;
    let unmet = options.unmet_view.map(View::as_str);
    setup
        .warnings
        .extend(unmet.map(|view| Warning::ViewWithoutIds { view }));
    Some(setup)
}

fn set_up_tracer(options: &Options) -> Option<Setup> {
    let propagator = || {
        let given = options.propagator.clone();
        given.unwrap_or_else(|| Arc::new(GlobalPropagator))
    };
    let brought = match (&options.durable_tracer_provider, &options.tracer_provider) {
        (Some(provider), _) => Tracing::durable(provider, propagator()),
        (None, Some(provider)) => Tracing::new(provider.clone(), propagator()),
        (None, None) => return own_tracer(options),
    };
    Some(Setup {
        tracing: Arc::new(brought),
        identity: None,
        loopback_agent: None,
        unsent: None,
        warnings: Vec::new(),
    })
}

#[cfg(feature = "datadog")]
fn own_tracer(options: &Options) -> Option<Setup> {
    crate::datadog::tracer(&options.settings)
}

#[cfg(not(feature = "datadog"))]
fn own_tracer(_: &Options) -> Option<Setup> {
    None // built without a tracer, and none was brought
}

/// Whatever propagator the process has set.
#[derive(Debug)]
struct GlobalPropagator;

impl TextMapPropagator for GlobalPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        opentelemetry::global::get_text_map_propagator(|global| {
            global.inject_context(context, injector);
        });
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        opentelemetry::global::get_text_map_propagator(|global| {
            global.extract_with_context(context, extractor)
        })
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}
