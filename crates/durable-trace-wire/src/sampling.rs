//! The sampling decision of a trace.

/// Datadog's sampling priority: what was decided about a trace, and by whom.
///
/// Carried as a decimal in `x-datadog-sampling-priority` and as `s:` in the `dd`
/// member of `tracestate`. See
/// <https://docs.datadoghq.com/tracing/trace_pipeline/ingestion_mechanisms/>.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(i8)]
pub enum SamplingPriority {
    /// The sampler keeps the trace.
    AutoKeep = 1,
    /// The sampler drops the trace.
    AutoReject = 0,
    /// The user, or a rule of the user's, keeps the trace.
    UserKeep = 2,
    /// The user, or a rule of the user's, drops the trace.
    UserReject = -1,
}

impl SamplingPriority {
    /// Returns the priority with this number, or `None` outside -1 to 2.
    pub const fn from_i64(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::UserReject),
            0 => Some(Self::AutoReject),
            1 => Some(Self::AutoKeep),
            2 => Some(Self::UserKeep),
            _ => None,
        }
    }

    /// Returns the number on the wire, -1 to 2.
    pub const fn value(self) -> i8 {
        self as i8
    }

    /// Returns the number as it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AutoKeep => "1",
            Self::AutoReject => "0",
            Self::UserKeep => "2",
            Self::UserReject => "-1",
        }
    }

    /// Whether the trace is kept: the `sampled` bit of a `traceparent`.
    pub const fn is_keep(self) -> bool {
        matches!(self, Self::AutoKeep | Self::UserKeep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_minus_one_to_two_are_priorities() {
        for number in -1..=2 {
            let priority = SamplingPriority::from_i64(number).unwrap();
            assert_eq!(i64::from(priority.value()), number);
            assert_eq!(priority.is_keep(), number > 0);
            assert_eq!(priority.as_str(), number.to_string());
        }
        for number in [-2, 3, 128, i64::MIN, i64::MAX] {
            assert_eq!(SamplingPriority::from_i64(number), None, "{number}");
        }
    }
}
