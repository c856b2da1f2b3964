//! The Lambda client context of an invocation: `custom._datadog`, else `custom` itself.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-ClientContext>

use super::header_map::Reader;
use super::{Carried, Source, first_complete};
use crate::nested::{self, member};

pub(super) fn read(json: &str, reader: &Reader<'_>) -> Option<Carried> {
    let custom = member(json, "custom")?;
    let datadog = member(custom, "_datadog").and_then(|raw| {
        // Runtimes that know texts alone have it as JSON in a text.
        let text = nested::text(raw);
        reader.read(Source::ClientContext, text.as_deref().unwrap_or(raw))
    });
    first_complete([datadog, reader.read(Source::ClientContext, custom)])
}
