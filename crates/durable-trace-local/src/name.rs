//! Names: functions as clients write them, executions, and their ARNs.

use crate::refusal::Refusal;

/// The version that runs when a client names none.
pub(crate) const LATEST: &str = "$LATEST";

/// Where the service pretends to be.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) region: String,
    pub(crate) account: String,
}

impl Place {
    /// The ARN of a function, without a qualifier.
    pub(crate) fn function_arn(&self, name: &str) -> String {
        let Self { region, account } = self;
        format!("arn:aws:lambda:{region}:{account}:function:{name}")
    }
}

/// A function with the version that a client asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FunctionRef {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl FunctionRef {
    /// Reads `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME[:QUALIFIER]` or a whole ARN.
    ///
    /// `qualifier` is the one sent apart from the name; both may be given if they agree.
    pub(crate) fn parse(text: &str, qualifier: Option<&str>) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.split(':').collect();
        let (name, inline) = match parts.as_slice() {
            [name] | [_, "function", name] | ["arn", _, "lambda", _, _, "function", name] => {
                (*name, None)
            }
            [name, version]
            | [_, "function", name, version]
            | ["arn", _, "lambda", _, _, "function", name, version] => (*name, Some(*version)),
            _ => return Err(Refusal::invalid(format!("Invalid function name: {text}"))),
        };
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(is_word) {
            return Err(Refusal::invalid(format!("Invalid function name: {text}")));
        }
        let version = match (inline, qualifier) {
            (Some(inline), Some(apart)) if inline != apart => {
                return Err(Refusal::invalid(
                    "The derived qualifier from the function name does not match the specified qualifier.",
                ));
            }
            (inline, apart) => inline.or(apart).unwrap_or(LATEST),
        };
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }
}

/// Checks the name that a client gives to an execution: 1 to 64 letters, digits, `-` and `_`.
pub(crate) fn check_execution_name(name: &str) -> Result<(), Refusal> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=64).contains(&name.len()) && name.chars().all(is_word) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid durable execution name {name:?}: 1 to 64 letters, digits, hyphens and underscores"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_understood_in_every_form_that_clients_use() {
        for (text, qualifier, want, why) in [
            ("pay", None, Some(("pay", "$LATEST")), "a bare name"),
            (
                "pay:live",
                None,
                Some(("pay", "live")),
                "an inline qualifier",
            ),
            ("pay", Some("7"), Some(("pay", "7")), "a qualifier apart"),
            ("pay:7", Some("7"), Some(("pay", "7")), "both, agreeing"),
            ("pay:7", Some("8"), None, "both, contradicting"),
            (
                "123456789012:function:pay",
                None,
                Some(("pay", "$LATEST")),
                "a partial ARN",
            ),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:pay",
                None,
                Some(("pay", "$LATEST")),
                "an ARN",
            ),
            (
                "arn:aws-cn:lambda:cn-north-1:123456789012:function:pay:$LATEST",
                None,
                Some(("pay", "$LATEST")),
                "a qualified ARN of another partition",
            ),
            ("", None, None, "nothing"),
            ("a b", None, None, "a space"),
            ("a:b:c:d:e", None, None, "too many parts"),
        ] {
            let want = want.map(|(name, version)| FunctionRef {
                name: name.to_owned(),
                version: version.to_owned(),
            });
            assert_eq!(
                FunctionRef::parse(text, qualifier).ok(),
                want,
                "{why}: {text:?}"
            );
        }
    }

    #[test]
    fn execution_names_are_short_words() {
        for (name, fine) in [
            ("order-1_a", true),
            ("", false),
            ("a/b", false),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(check_execution_name(name).is_ok(), fine, "{name:?}");
        }
    }
}
