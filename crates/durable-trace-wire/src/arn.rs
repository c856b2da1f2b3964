//! The name of an execution.

/// The ARN of a durable execution:
/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER/durable-execution/EXECUTION/ID`.
///
/// Only the part from `/durable-execution/` on must be there; what stands before is taken as it
/// comes, so the partitions of AWS (`aws-cn`, `aws-us-gov`) and qualifiers such as
/// `$LATEST.PUBLISHED` need no list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExecutionArn<'a> {
    text: &'a str,
    function: &'a str,
    execution_name: &'a str,
    execution_id: &'a str,
}

impl<'a> ExecutionArn<'a> {
    /// Reads an ARN that ends in `/durable-execution/NAME/ID`, neither of them empty.
    ///
    /// WIRE: accepts what Datadog's `/durable-execution/([^/]+)/([^/]+)$` matches.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (rest, execution_id) = text.rsplit_once('/')?;
        let (rest, execution_name) = rest.rsplit_once('/')?;
        let function = rest.strip_suffix("/durable-execution")?;
        let named = !execution_id.is_empty() && !execution_name.is_empty();
        named.then_some(Self {
            text,
            function,
            execution_name,
            execution_id,
        })
    }

    /// Returns the whole ARN.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// Returns the execution's name: the caller's, or one that the service made up.
    pub const fn execution_name(&self) -> &'a str {
        self.execution_name
    }

    /// Returns the id that the service gave the execution.
    pub const fn execution_id(&self) -> &'a str {
        self.execution_id
    }

    /// Returns all before `/durable-execution/`: the function's ARN with its qualifier.
    pub const fn function_arn(&self) -> &'a str {
        self.function
    }

    /// Returns `aws`, `aws-cn`, … if the function's ARN is one.
    pub fn partition(&self) -> Option<&'a str> {
        self.field(1)
    }

    /// Returns the region, if the function's ARN is one.
    pub fn region(&self) -> Option<&'a str> {
        self.field(3)
    }

    /// Returns the account, if the function's ARN is one.
    pub fn account(&self) -> Option<&'a str> {
        self.field(4)
    }

    /// Returns the function's name, if the function's ARN is one.
    pub fn function_name(&self) -> Option<&'a str> {
        self.field(6)
    }

    /// Returns the version or alias, if the function's ARN is one and has it.
    pub fn qualifier(&self) -> Option<&'a str> {
        self.field(7)
    }

    fn field(&self, index: usize) -> Option<&'a str> {
        let is_function = self.function.split(':').nth(5) == Some("function");
        let mut fields = self.function.split(':').filter(|_| is_function);
        (fields.clone().next() == Some("arn"))
            .then(|| fields.nth(index))?
            .filter(|field| !field.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_partition_and_qualifier() {
        for (partition, qualifier) in [
            ("aws", "$LATEST"),
            ("aws", "$LATEST.PUBLISHED"),
            ("aws-cn", "1"),
            ("aws-us-gov", "live"),
            ("aws-iso-b", "live-2"),
        ] {
            let function =
                format!("arn:{partition}:lambda:eu-west-1:123456789012:function:fn:{qualifier}");
            let text = format!("{function}/durable-execution/order 42/0f2b-1");
            let arn = ExecutionArn::parse(&text).unwrap();
            assert_eq!(arn.as_str(), text);
            assert_eq!(arn.function_arn(), function);
            assert_eq!(
                (arn.execution_name(), arn.execution_id()),
                ("order 42", "0f2b-1")
            );
            assert_eq!(arn.partition(), Some(partition));
            assert_eq!(arn.region(), Some("eu-west-1"));
            assert_eq!(arn.account(), Some("123456789012"));
            assert_eq!(arn.function_name(), Some("fn"));
            assert_eq!(arn.qualifier(), Some(qualifier));
        }
    }

    #[test]
    fn takes_what_datadogs_expression_takes() {
        for (text, want, why) in [
            (
                "a/durable-execution/x/durable-execution/n/i",
                Some(("n", "i")),
                "the last of two",
            ),
            (
                "arn/durable-execution/\u{540d}/\u{8b58}",
                Some(("\u{540d}", "\u{8b58}")),
                "any script",
            ),
            ("/durable-execution/n/i", Some(("n", "i")), "nothing before"),
            ("durable-execution/n/i", None, "no slash before"),
            ("a/durable-execution/n/i/x", None, "a part too many"),
            ("a/durable-execution/n", None, "a part too few"),
            ("a/durable-execution//i", None, "an empty name"),
            ("a/durable-execution/n/", None, "an empty id"),
            ("uuid/uuid", None, "no execution"),
            ("", None, "empty"),
        ] {
            let arn = ExecutionArn::parse(text);
            let got = arn.map(|arn| (arn.execution_name(), arn.execution_id()));
            assert_eq!(got, want, "{why}: {text:?}");
        }
    }

    #[test]
    fn a_function_that_is_no_arn_has_no_parts() {
        let arn = ExecutionArn::parse("fn:1/durable-execution/n/i").unwrap();
        assert_eq!(
            (arn.function_arn(), arn.function_name(), arn.qualifier()),
            ("fn:1", None, None)
        );
        let arn =
            ExecutionArn::parse("arn:aws:lambda:r:1:function:fn/durable-execution/n/i").unwrap();
        assert_eq!((arn.function_name(), arn.qualifier()), (Some("fn"), None));
    }
}
