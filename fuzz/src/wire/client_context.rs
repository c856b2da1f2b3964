//! The Lambda client context.

use durable_trace_wire::{CarrierRules, extract_from_client_context};

use super::event::is_whole;
use super::measured;

pub(super) fn holds(text: &str) {
    let rules = CarrierRules::default();
    let carried = measured(text, || extract_from_client_context(text, &rules, None));
    carried.iter().for_each(is_whole);
}
