//! What the next attempt of a request carries that a checkpoint rode in; decided from data alone.

/// How an attempt that carried a checkpoint failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AttemptFailure {
    /// With an answer: throttled, a fault of the service's, a stale token.
    Answered,
    /// With the answer that the request holds what it may not.
    Refused,
    /// Without an answer: the service may have recorded it.
    Unanswered,
}

/// What the next attempt of a request does with the checkpoint in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Carry {
    Drop,
    Keep,
}

/// Decides what attempt number `attempt` + 1 carries; attempts count from 1.
///
/// A request that may have been recorded goes out again as it was, since only the very same request finds its own answer there. But
/// never as the last attempt: if that were refused for our sake, the execution would fail for it.
pub(super) fn next_attempt(failure: AttemptFailure, attempt: u32, max_attempts: u32) -> Carry {
    let is_last = attempt.saturating_add(1) >= max_attempts;
    if failure == AttemptFailure::Unanswered && !is_last {
        Carry::Keep
    } else {
        Carry::Drop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_been_recorded_goes_out_again_as_it_was_and_never_as_the_last_attempt() {
        use AttemptFailure::{Answered, Refused, Unanswered};
        for (failure, attempt, max_attempts, want, why) in [
            (Unanswered, 1, 3, Carry::Keep, "it may have been recorded"),
            (Unanswered, 2, 3, Carry::Drop, "the next is the last"),
            (Unanswered, 1, 2, Carry::Drop, "the next is the last"),
            (Answered, 1, 3, Carry::Drop, "it failed for another reason"),
            (Refused, 1, 3, Carry::Drop, "we may be the reason"),
            (Refused, 2, 3, Carry::Drop, "we may be the reason"),
        ] {
            assert_eq!(
                next_attempt(failure, attempt, max_attempts),
                want,
                "{why}: {attempt} of {max_attempts}"
            );
        }
    }
}
