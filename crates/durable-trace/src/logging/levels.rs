//! Which lines are written: `RUST_LOG`, read for levels and targets alone.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// What is logged where no directive of `RUST_LOG` says otherwise: `lambda_runtime`'s rule.
pub(super) fn level(log_level: Option<&str>, rust_log: Option<&str>) -> LevelFilter {
    let named = log_level.or(rust_log);
    // A variable that is set to nothing is not set; `tracing` would take it for ERROR.
    let named = named.filter(|name| !name.is_empty());
    named
        .and_then(|name| name.parse().ok())
        .unwrap_or(LevelFilter::INFO)
}

/// The levels that `RUST_LOG` names by target; `default` where it names none.
///
/// `EnvFilter` knows spans and their fields as well, with the three crates of a regex engine, which cost every function 0.7 MB.
pub(super) fn levels(directives: &str, default: LevelFilter) -> Targets {
    let mut understood = directives.split(',').filter_map(parse_directive).peekable();
    if understood.peek().is_none() {
        return Targets::new().with_default(default);
    }
    understood.fold(Targets::new(), |targets, directive| match directive {
        (None, level) => targets.with_default(level),
        (Some(target), level) => targets.with_target(target, level),
    })
}

/// Directives of `RUST_LOG` that are neither a level nor a target nor both: the log lines are chosen without them.
pub(crate) fn has_other_directives(directives: &str) -> bool {
    let mut given = directives.split(',').filter(|one| !one.trim().is_empty());
    given.any(|directive| parse_directive(directive).is_none())
}

/// `LEVEL`, `TARGET` or `TARGET=LEVEL`, as `EnvFilter` reads them: without a level, everything of the target is meant.
fn parse_directive(directive: &str) -> Option<(Option<&str>, LevelFilter)> {
    let directive = directive.trim();
    let (target, level) = match directive.split_once('=') {
        Some((target, "")) => (target, LevelFilter::TRACE),
        Some((target, level)) => (target, level.parse().ok()?),
        None => match directive.parse() {
            Ok(level) if !directive.is_empty() => return Some((None, level)),
            _ => (directive, LevelFilter::TRACE),
        },
    };
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':');
    let is_target = target.starts_with(is_path) && !target.contains(['[', ']', '{', '}']);
    is_target.then_some((Some(target), level))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;
    use tracing_subscriber::filter::EnvFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// The most that `RUST_LOG` lets through of `order`, of `order::payment` and of `hyper`.
    fn most(directives: &str) -> [LevelFilter; 3] {
        let filter = levels(directives, LevelFilter::INFO);
        ["order", "order::payment", "hyper"].map(|target| {
            [
                tracing::Level::TRACE,
                tracing::Level::DEBUG,
                tracing::Level::INFO,
                tracing::Level::WARN,
                tracing::Level::ERROR,
            ]
            .into_iter()
            .find(|level| filter.would_enable(target, level))
            .map_or(LevelFilter::OFF, LevelFilter::from)
        })
    }

    #[test]
    fn levels_are_chosen_by_target_and_what_is_not_understood_counts_for_nothing() {
        const OFF: LevelFilter = LevelFilter::OFF;
        const WARN: LevelFilter = LevelFilter::WARN;
        const INFO: LevelFilter = LevelFilter::INFO;
        const DEBUG: LevelFilter = LevelFilter::DEBUG;
        const TRACE: LevelFilter = LevelFilter::TRACE;
        for (directives, want, why) in [
            ("", [INFO; 3], "the default"),
            ("debug", [DEBUG; 3], "a level"),
            ("WARN", [WARN; 3], "in capitals"),
            ("4", [DEBUG; 3], "as a number"),
            ("order=debug", [DEBUG, DEBUG, OFF], "the default gives way"),
            ("order", [TRACE, TRACE, OFF], "a target alone"),
            ("order=", [TRACE, TRACE, OFF], "a level that is left out"),
            (
                "warn,order::payment=off,",
                [WARN, OFF, WARN],
                "the most specific counts",
            ),
            (
                "order=warn,order=debug",
                [DEBUG, DEBUG, OFF],
                "the last of two",
            ),
            ("order=loud", [INFO; 3], "no level"),
            ("=debug", [INFO; 3], "no target"),
            ("[pay]=debug", [INFO; 3], "a span"),
            ("order[{id=7}]=trace,warn", [WARN; 3], "a field"),
        ] {
            assert_eq!(most(directives), want, "{directives:?}: {why}");
        }
    }

    /// What a filter says of each target at each level, asked as a program asks.
    fn answers(filter: impl tracing_subscriber::Layer<Registry> + Send + Sync) -> Vec<bool> {
        use tracing::{Level, enabled};
        tracing::subscriber::with_default(Registry::default().with(filter), || {
            vec![
                enabled!(target: "order", Level::WARN),
                enabled!(target: "order", Level::INFO),
                enabled!(target: "order", Level::DEBUG),
                enabled!(target: "order", Level::TRACE),
                enabled!(target: "order::payment", Level::ERROR),
                enabled!(target: "order::payment", Level::INFO),
                enabled!(target: "order::payment", Level::DEBUG),
                enabled!(target: "order::payment", Level::TRACE),
                enabled!(target: "hyper", Level::ERROR),
                enabled!(target: "hyper", Level::INFO),
                enabled!(target: "hyper", Level::TRACE),
            ]
        })
    }

    #[test]
    fn what_is_understood_means_what_it_means_to_env_filter() {
        for directives in [
            "",
            "debug",
            "Warn",
            "4",
            "order=debug",
            "order",
            "order=",
            "warn,order::payment=off,",
            "order=warn,order=debug",
            "order=loud",
            "=debug",
            "order::pay=trace,info",
        ] {
            let theirs = EnvFilter::builder()
                .with_default_directive(LevelFilter::INFO.into())
                .parse_lossy(directives);
            let ours = levels(directives, LevelFilter::INFO);
            assert_eq!(answers(ours), answers(theirs), "{directives:?}");
        }
    }

    #[test]
    fn lines_from_info_up_are_logged_unless_a_variable_says_otherwise() {
        for (log_level, rust_log, want) in [
            (None, None, LevelFilter::INFO),
            (None, Some(""), LevelFilter::INFO),
            (None, Some("warn"), LevelFilter::WARN),
            (None, Some("my_crate=debug"), LevelFilter::INFO),
            (Some("DEBUG"), Some("warn"), LevelFilter::DEBUG),
            (Some("loud"), None, LevelFilter::INFO),
        ] {
            assert_eq!(
                level(log_level, rust_log),
                want,
                "AWS_LAMBDA_LOG_LEVEL {log_level:?}, RUST_LOG {rust_log:?}"
            );
        }
    }

    #[test]
    fn a_directive_about_spans_is_told_of() {
        for (directives, want) in [
            ("", false),
            ("warn,order=debug,", false),
            ("warn,[pay]=debug", true),
            ("order=loud", true),
        ] {
            assert_eq!(has_other_directives(directives), want, "{directives:?}");
        }
    }
}
