//! When a checkpoint of ours is written, and which.

use std::time::{Duration, SystemTime};

use durable_trace_wire as wire;
use wire::{Decision, UnixMillis};

use super::log::Log;
use super::{Saved, Session};
use crate::config::CheckpointMode;
use crate::health::{self, ErrorType, Location, Outcome};
use crate::registry::registry;
use crate::spans;

/// Operations that the service allows in one execution.
/// See <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const OPERATION_CAP: usize = 3_000;
/// How near the cap no checkpoint is written any more: those operations are the user's.
const CAP_MARGIN: usize = 5;

impl Session {
    /// The service refused the request with our update; it goes out again without.
    pub(crate) fn ride_dropped(&self) {
        let mut state = self.lock();
        state.saved = Saved::Open;
        state.failed = true;
    }

    /// The checkpoint that this suspension needs, if it needs one; to be asked while the spans are open.
    pub(super) fn checkpoint(&self) -> Option<wire::Checkpoint> {
        if self.lock().saved != Saved::Open {
            return None;
        }
        let context = self.context()?;
        let Some((injected, span_id)) = spans::inject(&self.tracing, &context) else {
            health::count(
                Location::Inject,
                ErrorType::Malformed,
                &self.about(Some("no valid span")),
            );
            return None;
        };
        let injected = self.passing_on(injected);
        let rules = wire::WriteRules {
            enabled: self.settings.cross_invocation,
            styles: self.settings.checkpoint_styles,
            tags_max_length: self.settings.tags_max_length,
            operation_cap: OPERATION_CAP,
            cap_margin: CAP_MARGIN,
        };
        let mut state = self.lock();
        let Log::Read(read) = &state.log else {
            return None;
        };
        let operations = state.plan.operation_count();
        let anchor = state.anchor.or(self.spans.anchor()).unwrap_or(span_id);
        let decision = registry().decide_numbered(&self.arn, read.highest, |next| {
            wire::decide(
                &self.arn,
                read.found.as_ref(),
                &injected,
                anchor,
                next,
                operations,
                &rules,
            )
        });
        state.plan.settle_ride();
        match decision {
            Decision::Write(checkpoint) => {
                state.saved = Saved::Sent;
                return Some(checkpoint);
            }
            Decision::Cap => health::note(Outcome::Capped),
            Decision::NoNumber => {
                health::count(Location::AllocateN, ErrorType::Oversize, &self.about(None));
            }
            Decision::NoContext => {
                health::count(Location::Inject, ErrorType::Malformed, &self.about(None));
            }
            _ => {} // off, or unchanged
        }
        state.saved = Saved::Needless;
        None
    }

    /// The checkpoint to write with a call of our own, now that the function has suspended, and the token to write it with.
    pub(crate) fn owed(&self, now: SystemTime) -> Option<(wire::Checkpoint, String)> {
        let (saved, token, timer) = {
            let state = self.lock();
            (state.saved, state.token.clone(), state.plan.latest_timer())
        };
        if matches!(saved, Saved::Written | Saved::Needless) {
            return None;
        }
        if self.settings.checkpoint_mode == CheckpointMode::None {
            return None;
        }
        let token = token?;
        if self.settings.checkpoint_mode == CheckpointMode::Ride
            && !outlasts(timer, now, self.settings.checkpoint_budget)
        {
            if self.settings.cross_invocation && self.needs_checkpoint() {
                health::note(Outcome::NoRide);
            }
            return None;
        }
        self.lock().saved = Saved::Open;
        Some((self.checkpoint()?, token))
    }

    /// Whether a suspension now would leave the trace without what the next invocation needs.
    fn needs_checkpoint(&self) -> bool {
        matches!(&self.lock().log, Log::Read(read) if read.found.is_none())
    }

    /// A call of our own wrote the checkpoint.
    pub(crate) fn written(&self) {
        self.lock().saved = Saved::Written;
    }
}

/// Whether a timer runs longer than twice the time that a call of ours may take, so that its end cannot come in between.
fn outlasts(timer: Option<UnixMillis>, now: SystemTime, budget: Duration) -> bool {
    let Ok(since_epoch) = (now + budget * 2).duration_since(SystemTime::UNIX_EPOCH) else {
        return false;
    };
    timer.is_some_and(|timer| {
        i128::from(timer.0) > i128::try_from(since_epoch.as_millis()).unwrap_or(i128::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_our_own_is_safe_only_while_a_long_timer_runs() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let budget = Duration::from_millis(250);
        for (timer, want, why) in [
            (None, false, "nothing but callbacks or invokes pending"),
            (Some(100_400), false, "fires within twice the budget"),
            (Some(100_500), false, "fires just then"),
            (Some(100_501), true, "outlasts it"),
        ] {
            assert_eq!(outlasts(timer.map(UnixMillis), now, budget), want, "{why}");
        }
    }
}
