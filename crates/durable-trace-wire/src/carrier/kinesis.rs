//! A Kinesis record: `_datadog` in its data, if that is JSON.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, member};

pub(super) fn read(record: &str, reader: &Reader<'_>) -> Option<Carried> {
    let data = nested::base64_text(member(member(record, "kinesis")?, "data")?)?;
    let datadog = member(&data, "_datadog").filter(|it| nested::is_object(it))?;
    reader.read_datadog(Source::Kinesis, datadog)
}
