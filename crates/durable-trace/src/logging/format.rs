//! What is added to a line, at its end, without a copy of it.

use std::fmt::{self, Write};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::place::{push_member, with_current};
use super::{Format, Identity};
use crate::contract::log_keys;

/// The lines of `inner`, with what is added.
#[derive(Debug)]
pub(super) struct Stamped<F> {
    pub(super) inner: F,
    pub(super) stamp: Stamp,
}

impl<S, N, F> FormatEvent<S, N> for Stamped<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line {
            text: &mut writer,
            end: self.stamp.end(),
            held: 0,
        };
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        line.finish(|text| self.stamp.write(text))
    }
}

/// What is added.
#[derive(Debug)]
pub(super) struct Stamp {
    format: Format,
    /// What is known of the service, as it stands in each line.
    service: String,
    /// Whether names of Datadog's are added.
    injection: bool,
}

impl Stamp {
    pub(super) fn new(format: Format, identity: &Identity, injection: bool) -> Self {
        let known = [
            (log_keys::SERVICE, &identity.service),
            (log_keys::ENV, &identity.env),
            (log_keys::VERSION, &identity.version),
        ];
        let mut service = String::new();
        for (name, value) in known {
            match (format, value) {
                (_, None) => {}
                (Format::Json, Some(value)) => push_member(&mut service, name, value),
                (Format::Text, Some(value)) => {
                    let _ = write!(service, "{name}={value} "); // a text takes whatever is written to it
                }
            }
        }
        Self {
            format,
            service,
            injection,
        }
    }

    /// How a line ends.
    fn end(&self) -> &'static str {
        match self.format {
            Format::Json => "}\n",
            Format::Text => "\n",
        }
    }

    fn write(&self, line: &mut Writer<'_>) -> fmt::Result {
        let ids = if self.injection { active() } else { None };
        match self.format {
            Format::Json => {
                with_current(|place| line.write_str(place.members())).transpose()?;
                if let Some(ids) = ids {
                    let (trace, span) = (log_keys::TRACE_ID, log_keys::SPAN_ID);
                    write!(
                        line,
                        ",\"{trace}\":\"{}\",\"{span}\":\"{}\"",
                        Trace(ids.0),
                        ids.1
                    )?;
                }
                if self.injection {
                    line.write_str(&self.service)?;
                }
            }
            Format::Text => {
                if let Some(ids) = ids {
                    let (trace, span) = (log_keys::TRACE_ID, log_keys::SPAN_ID);
                    let service = &self.service;
                    write!(
                        line,
                        " [{service}{trace}={} {span}={}]",
                        Trace(ids.0),
                        ids.1
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// Trace and span that are active.
fn active() -> Option<(u128, u64)> {
    Context::map_current(|context| {
        let span = context.span();
        let ids = span.span_context();
        ids.is_valid().then(|| {
            (
                u128::from_be_bytes(ids.trace_id().to_bytes()),
                u64::from_be_bytes(ids.span_id().to_bytes()),
            )
        })
    })
}

/// A trace id. WIRE: hex digits where it has more than 64 bits, else a decimal, as Python's `format_trace_id` has it.
struct Trace(u128);

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0) {
            Ok(low) => low.fmt(f),
            Err(_) => write!(f, "{:032x}", self.0),
        }
    }
}

/// A line that is being written, but for its end, which is held back.
struct Line<'a, 'w> {
    text: &'a mut Writer<'w>,
    end: &'static str,
    /// So many bytes of the end are held back.
    held: usize,
}

impl Line<'_, '_> {
    fn held(&self) -> &'static str {
        self.end.get(..self.held).unwrap_or_default()
    }

    /// Adds to the line what `add` writes, if it came to its end.
    fn finish(self, add: impl FnOnce(&mut Writer<'_>) -> fmt::Result) -> fmt::Result {
        if self.held == self.end.len() {
            add(self.text)?;
        }
        self.text.write_str(self.held())
    }
}

impl Write for Line<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let missing = self.end.get(self.held..).unwrap_or_default();
        if missing.starts_with(text) {
            self.held += text.len();
            return Ok(());
        }
        self.text.write_str(self.held())?;
        // The longest beginning of the end that the text ends with.
        let found = (0..=self.end.len()).rev().find_map(|length| {
            let body = text.strip_suffix(self.end.get(..length)?)?;
            Some((body, length))
        });
        let (body, held) = found.unwrap_or((text, 0));
        self.held = held;
        self.text.write_str(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a line that is written in these pieces.
    fn written(end: &'static str, pieces: &[&str]) -> String {
        let mut text = String::new();
        let mut writer = Writer::new(&mut text);
        let mut line = Line {
            text: &mut writer,
            end,
            held: 0,
        };
        for piece in pieces {
            line.write_str(piece).unwrap();
        }
        line.finish(|text| text.write_str("+")).unwrap();
        text
    }

    #[test]
    fn what_is_added_stands_before_the_end_of_the_line_alone() {
        for (pieces, want, why) in [
            (
                &["{\"a\":1", "}", "\n"][..],
                "{\"a\":1+}\n",
                "piece by piece",
            ),
            (&["{\"a\":1}\n"], "{\"a\":1+}\n", "in one"),
            (
                &["{\"a\":{", "}", "}", "\n"],
                "{\"a\":{}+}\n",
                "an inner object",
            ),
            (
                &["{\"a\":{}", ",\"b\":{}", "}\n"],
                "{\"a\":{},\"b\":{}+}\n",
                "two inner objects",
            ),
            (&["{", "", "}", "", "\n", ""], "{+}\n", "with empty pieces"),
            (
                &["{}\n", "more"],
                "{}\nmore",
                "a line that goes on is left as it is",
            ),
            (&["{}"], "{}", "a line without an end is left as it is"),
            (&["é}\n"], "é+}\n", "not only ASCII"),
        ] {
            assert_eq!(written("}\n", pieces), want, "{why}");
        }
        for (pieces, want, why) in [
            (&["INFO", " a", "\n"][..], "INFO a+\n", "a line"),
            (&["a\nb", "\n"], "a\nb+\n", "a message of two lines"),
            (&["a\n\n"], "a\n+\n", "an empty last line"),
            (&[], "", "nothing"),
        ] {
            assert_eq!(written("\n", pieces), want, "{why}");
        }
    }

    #[test]
    fn a_trace_id_is_hex_where_64_bits_do_not_hold_it() {
        for (id, want) in [
            (1, "1"),
            (u128::from(u64::MAX), "18446744073709551615"),
            (1 << 64, "00000000000000010000000000000000"),
            (0xabc << 100, "0000abc0000000000000000000000000"),
        ] {
            assert_eq!(Trace(id).to_string(), want);
        }
    }

    #[test]
    fn what_is_known_of_the_service_is_in_each_line() {
        let identity = Identity {
            service: Some("or\"der".to_owned()),
            env: Some("prod".to_owned()),
            version: None,
        };
        let stamp = |format, injection| {
            let mut text = String::new();
            let stamp = Stamp::new(format, &identity, injection);
            stamp.write(&mut Writer::new(&mut text)).unwrap();
            text
        };
        assert_eq!(
            stamp(Format::Json, true),
            r#","dd.service":"or\"der","dd.env":"prod""#
        );
        assert_eq!(stamp(Format::Json, false), "", "not where it is not wanted");
        assert_eq!(stamp(Format::Text, true), "", "no span, no brackets");
    }
}
