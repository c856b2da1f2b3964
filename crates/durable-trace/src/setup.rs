//! Which tracer is used: the user's own, or Datadog's made from `DD_*`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

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
    match &options.tracer_provider {
        Some(provider) => {
            let propagator = options
                .propagator
                .clone()
                .unwrap_or_else(|| Arc::new(GlobalPropagator));
            Some(Setup {
                tracing: Arc::new(Tracing::new(provider.clone(), propagator)),
                identity: None,
                loopback_agent: None,
                unsent: None,
                warnings: Vec::new(),
            })
        }
        None => own_tracer(options),
    }
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
