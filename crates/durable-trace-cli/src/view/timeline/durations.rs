//! How long something took, in two units at most.

/// Renders microseconds: `0.42 ms`, `1.20 s`, `3 min 5 s`, `2 h 4 min`, `3 d 2 h`.
pub(super) fn render(us: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let us = us.max(0);
    // Two digits behind the point are exact in whole numbers.
    match us {
        0..10_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        10_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        1_000_000..60_000_000 => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
        _ => {
            let mut rest = us / 1_000_000;
            let mut parts = Vec::new();
            for (size, unit) in UNITS {
                if rest >= size && parts.len() < 2 {
                    parts.push(format!("{} {unit}", rest / size));
                    rest %= size;
                } else if !parts.is_empty() {
                    break;
                }
            }
            parts.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_at_every_size() {
        for (us, want) in [
            (-5, "0.00 ms"),
            (0, "0.00 ms"),
            (424, "0.42 ms"),
            (41_249, "41.2 ms"),
            (1_200_000, "1.20 s"),
            (59_999_999, "59.99 s"),
            (60_000_000, "1 min"),
            (185_000_000, "3 min 5 s"),
            (7_440_000_000, "2 h 4 min"),
            (266_400_000_000, "3 d 2 h"),
            (259_205_000_000, "3 d"),
            (i64::MAX, "106751991 d 4 h"),
        ] {
            assert_eq!(render(us), want, "{us}");
        }
    }
}
