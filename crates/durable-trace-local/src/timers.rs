//! The virtual clock, and what it is to wake.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::time::UnixMillis;

/// How time passes in the service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Clock {
    /// As many times faster than the machine's clock as the factor says.
    Factor(f64),
    /// As the machine's clock.
    Real,
    /// Stands still while an invocation is in flight, else jumps to the next timer.
    #[default]
    Skip,
}

/// The service's own time: starts as the machine's and goes on as [`Clock`] says.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    clock: Clock,
    began: UnixMillis,
    anchor: Instant,
    /// Added by jumps; only `Skip` jumps.
    jumped: Duration,
}

impl VirtualClock {
    /// Begins at `began`, which `anchor` is the monotonic reading of.
    pub(crate) fn new(clock: Clock, began: UnixMillis, anchor: Instant) -> Self {
        Self {
            clock,
            began,
            anchor,
            jumped: Duration::ZERO,
        }
    }

    /// Returns the virtual time at the machine's `instant`.
    pub(crate) fn now(&self, instant: Instant) -> UnixMillis {
        let passed = instant.saturating_duration_since(self.anchor);
        match self.clock {
            Clock::Factor(factor) => self.began.after(passed.mul_f64(factor.max(0.0))),
            Clock::Real => self.began.after(passed),
            Clock::Skip => self.began.after(self.jumped),
        }
    }

    /// Returns how long the machine is to sleep until the virtual `due`; `None` if time does not
    /// pass by itself.
    pub(crate) fn sleep_until(&self, due: UnixMillis, instant: Instant) -> Option<Duration> {
        let left = due.since(self.now(instant));
        match self.clock {
            Clock::Factor(factor) if factor > 0.0 => Some(left.div_f64(factor)),
            Clock::Real => Some(left),
            Clock::Factor(_) | Clock::Skip => None,
        }
    }

    /// Jumps to `due` if this clock jumps; never back.
    pub(crate) fn jump_to(&mut self, due: UnixMillis) {
        if self.clock == Clock::Skip {
            self.jumped = self.jumped.max(due.since(self.began));
        }
    }

    /// Whether time passes in jumps only.
    pub(crate) fn jumps(&self) -> bool {
        self.clock == Clock::Skip
    }
}

/// Things due at points of virtual time; those of the same point in the order they were set.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    due: BTreeMap<(UnixMillis, u64), T>,
    set: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
            set: 0,
        }
    }
}

impl<T> Timers<T> {
    /// Sets a timer. None is ever taken back: what is no longer wanted is skipped when due.
    pub(crate) fn set(&mut self, at: UnixMillis, timer: T) {
        self.set += 1;
        self.due.insert((at, self.set), timer);
    }

    /// Takes the earliest timer if it is due.
    pub(crate) fn take_due(&mut self, now: UnixMillis) -> Option<T> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Returns when the earliest timer is due that is still `wanted`, forgetting those before it.
    pub(crate) fn next(&mut self, wanted: impl Fn(&T) -> bool) -> Option<UnixMillis> {
        while let Some(first) = self.due.first_entry() {
            if wanted(first.get()) {
                return Some(first.key().0);
            }
            first.remove();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_000);

    #[test]
    fn each_clock_passes_time_in_its_own_way() {
        let anchor = Instant::now();
        let later = anchor + Duration::from_secs(2);
        let hour = START.after(Duration::from_hours(1));
        for (clock, want_now, want_sleep, want_jumped, why) in [
            (
                Clock::Real,
                3_000,
                Some(Duration::from_secs(3_598)),
                3_000,
                "real time never jumps",
            ),
            (
                Clock::Factor(2.0),
                5_000,
                Some(Duration::from_secs(1_798)),
                5_000,
                "twice as fast",
            ),
            (
                Clock::Skip,
                1_000,
                None,
                3_601_000,
                "stands still, then jumps",
            ),
        ] {
            let mut virtual_clock = VirtualClock::new(clock, START, anchor);
            assert_eq!(virtual_clock.now(later), UnixMillis::new(want_now), "{why}");
            assert_eq!(virtual_clock.sleep_until(hour, later), want_sleep, "{why}");
            virtual_clock.jump_to(hour);
            assert_eq!(
                virtual_clock.now(later),
                UnixMillis::new(want_jumped),
                "{why}"
            );
        }
    }

    #[test]
    fn a_jump_never_goes_back() {
        let anchor = Instant::now();
        let mut clock = VirtualClock::new(Clock::Skip, START, anchor);
        clock.jump_to(UnixMillis::new(9_000));
        clock.jump_to(UnixMillis::new(2_000));
        assert_eq!(clock.now(anchor), UnixMillis::new(9_000));
    }

    #[test]
    fn timers_come_by_time_and_then_by_order_of_setting() {
        let mut timers = Timers::default();
        timers.set(UnixMillis::new(20), "late");
        timers.set(UnixMillis::new(10), "first");
        timers.set(UnixMillis::new(10), "second");
        let now = UnixMillis::new(15);
        assert_eq!(timers.take_due(now), Some("first"));
        assert_eq!(timers.take_due(now), Some("second"));
        assert_eq!(timers.take_due(now), None, "the third is not due");
        assert_eq!(timers.next(|_| true), Some(UnixMillis::new(20)));
    }

    #[test]
    fn unwanted_timers_do_not_count_as_next() {
        let mut timers = Timers::default();
        timers.set(UnixMillis::new(10), "gone");
        timers.set(UnixMillis::new(20), "kept");
        assert_eq!(
            timers.next(|name| *name == "kept"),
            Some(UnixMillis::new(20))
        );
    }
}
