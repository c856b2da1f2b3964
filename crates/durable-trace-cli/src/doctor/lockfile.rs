//! The version of the SDK that a function is built with, as its `Cargo.lock` has it.

use std::path::Path;

const SDK: &str = "aws-durable-execution-sdk";

/// What `Cargo.lock` says of the SDK.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LockedSdk {
    NoFile,
    NotInIt,
    Versions(Vec<String>),
}

/// Reads the nearest `Cargo.lock`, in `folder` or above it.
pub(crate) fn find_locked_sdk(folder: &Path) -> LockedSdk {
    let nearest = folder
        .ancestors()
        .find_map(|folder| std::fs::read_to_string(folder.join("Cargo.lock")).ok());
    nearest.map_or(LockedSdk::NoFile, |text| parse(&text))
}

/// The file is TOML, but cargo writes it in one way only: a package's name, then its version, each on a line.
fn parse(lockfile: &str) -> LockedSdk {
    let value = |line: &str, key: &str| {
        let text = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
        Some(text.trim().trim_matches('"').to_owned())
    };
    let mut lines = lockfile.lines();
    let mut versions = Vec::new();
    while let Some(line) = lines.next() {
        if value(line, "name").as_deref() == Some(SDK) {
            versions.extend(lines.next().and_then(|line| value(line, "version")));
        }
    }
    if versions.is_empty() {
        LockedSdk::NotInIt
    } else {
        LockedSdk::Versions(versions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_sdk_stands_under_its_name() {
        let package = |name: &str, version: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
        };
        let versions = |list: &[&str]| {
            LockedSdk::Versions(list.iter().map(|text| (*text).to_owned()).collect())
        };
        for (lockfile, want, why) in [
            (package(SDK, "0.1.0"), versions(&["0.1.0"]), "one"),
            (
                package(SDK, "0.1.0") + &package(SDK, "0.2.0"),
                versions(&["0.1.0", "0.2.0"]),
                "two",
            ),
            (
                package("aws-durable-execution-sdk-macros", "9.0.0"),
                LockedSdk::NotInIt,
                "another crate",
            ),
            (
                format!("dependencies = [\n \"{SDK}\",\n]\n"),
                LockedSdk::NotInIt,
                "a mention",
            ),
            (format!("name = \"{SDK}\""), LockedSdk::NotInIt, "cut off"),
            (String::new(), LockedSdk::NotInIt, "empty"),
        ] {
            assert_eq!(parse(&lockfile), want, "{why}");
        }
    }
}
