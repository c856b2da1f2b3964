//! Whether a trace is the one that a requirement asks for, by the rules of AWS's files.
//!
//! `select` has to find as many spans as `count` says, one by default, of those that no assertion before has taken. `*` is anything,
//! `${/…/}` a regular expression, `$any_of` one of several, `${NAME}` what it stands for in this run. A child lies within its parent in time,
//! but where `$allow_outside` says so; `before` and `after` compare ends with starts, `inside` both.

use std::collections::{HashMap, HashSet};

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::requirement::Requirement;
use super::trace::{Span, Trace};

/// A requirement whose names are filled in, and a trace.
pub(super) struct Matcher<'a> {
    trace: &'a Trace,
    asserted: Value,
    execution_arn: String,
    /// Spans that assertions have taken.
    taken: HashSet<usize>,
}

type Checked = Result<(), String>;

impl<'a> Matcher<'a> {
    /// Fails where a name of the requirement's stands for nothing in this run.
    pub(super) fn new(
        requirement: &Requirement,
        trace: &'a Trace,
        function: &str,
    ) -> Result<Self, String> {
        let names = bound(requirement, trace, function)?;
        let asserted = filled(&requirement.asserted, &names)?;
        Ok(Self {
            trace,
            asserted,
            execution_arn: names["EXECUTION_ARN"].clone(),
            taken: HashSet::new(),
        })
    }

    /// The first difference is an error that says where.
    pub(super) fn check(mut self) -> Checked {
        self.check_whole()?;
        let assertions = self.asserted["span_assertions"].clone();
        for (index, assertion) in assertions.as_array().unwrap().iter().enumerate() {
            self.check_assertion(assertion)
                .map_err(|why| format!("span_assertions[{index}]: {why}"))?;
        }
        self.check_coverage()
    }

    fn check_whole(&self) -> Checked {
        let known = [
            "allowed_execution_arns",
            "exact_attribute_prefixes",
            "minimum_invocations",
            "minimum_spans",
            "require_all_spans",
            "require_execution_correlation",
            "require_unique_root_per_trace",
            "span_assertion_scope",
            "span_assertions",
        ];
        let asserted = self.asserted.as_object().unwrap();
        if let Some(unknown) = asserted.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("{unknown} is not understood"));
        }
        let at_least = |key: &str, count: usize| {
            let least = self.asserted[key].as_u64().unwrap_or_default();
            let enough = u64::try_from(count).unwrap() >= least;
            enough
                .then_some(())
                .ok_or(format!("{key}: {count} instead of {least}"))
        };
        let spans = &self.trace.spans;
        at_least("minimum_spans", spans.len())?;
        let invocations = spans.iter().filter(|span| {
            span.name() == "Invocation" && span.attribute("durable.invocation.first").is_some()
        });
        at_least("minimum_invocations", invocations.count())?;
        if let Some(span) = spans.iter().find(|span| span.start > span.end) {
            return Err(format!("{} ends before it starts", span.name()));
        }
        let arns = self.trace.arns();
        if !arns.contains(self.execution_arn.as_str()) {
            return Err("no span has the execution's ARN".to_owned());
        }
        let allowed = self.asserted.get("allowed_execution_arns");
        let allowed: HashSet<&str> = match allowed.and_then(Value::as_array) {
            Some(allowed) => allowed.iter().map(|arn| arn.as_str().unwrap()).collect(),
            None => HashSet::from([self.execution_arn.as_str()]),
        };
        if let Some(other) = arns.iter().find(|arn| !allowed.contains(**arn)) {
            return Err(format!("a span is of {other}"));
        }
        for span in spans.iter().filter(|span| span.parent_id.is_empty()) {
            let is_second = |other: &&Span| {
                other.parent_id.is_empty()
                    && other.trace_id == span.trace_id
                    && other.span_id != span.span_id
            };
            if spans.iter().any(|other| is_second(&other)) {
                return Err(format!("trace {} has two roots", span.trace_id));
            }
        }
        Ok(())
    }

    fn check_assertion(&mut self, assertion: &Value) -> Checked {
        let count = assertion
            .get("count")
            .map_or(1, |count| count.as_u64().unwrap());
        let select = &assertion["select"];
        let found: Vec<usize> = self
            .select(select)
            .filter(|index| !self.taken.contains(index))
            .collect();
        if u64::try_from(found.len()).unwrap() != count {
            return Err(format!(
                "{select} finds {} spans instead of {count}",
                found.len()
            ));
        }
        for index in &found {
            self.taken.insert(*index);
            self.check_span(*index, assertion["expect"].as_object().unwrap())?;
        }
        Ok(())
    }

    /// Where the spans stand that `select` means.
    fn select(&self, select: &Value) -> impl Iterator<Item = usize> {
        let spans = self.trace.spans.iter().enumerate();
        spans.filter_map(|(index, span)| {
            matches(select, &span.properties, "")
                .is_ok()
                .then_some(index)
        })
    }

    fn check_span(&self, index: usize, expected: &Map<String, Value>) -> Checked {
        let span = &self.trace.spans[index];
        for (key, want) in expected {
            let checked = match key.as_str() {
                "parent" => self.check_parent(span, want),
                "links" => self.check_links(span, want.as_array().unwrap()),
                "before" | "after" | "inside" => self.check_order(index, key, want),
                _ => match span.properties.get(key) {
                    Some(found) => matches(want, found, key),
                    None => Err(format!("{key} is not understood")),
                },
            };
            checked.map_err(|why| format!("{}: {why}", span.name()))?;
        }
        let prefixes = self.asserted.get("exact_attribute_prefixes");
        let prefixes = prefixes.and_then(Value::as_array).into_iter().flatten();
        for prefix in prefixes.map(|prefix| prefix.as_str().unwrap()) {
            let keys = |attributes: &Value| -> Vec<String> {
                let all = attributes.as_object().unwrap().keys();
                let mut own: Vec<_> = all.filter(|key| key.starts_with(prefix)).cloned().collect();
                own.sort();
                own
            };
            let (want, found) = (
                keys(&expected["attributes"]),
                keys(&span.properties["attributes"]),
            );
            if want != found {
                return Err(format!("{}: {found:?} instead of {want:?}", span.name()));
            }
        }
        Ok(())
    }

    fn check_parent(&self, span: &Span, want: &Value) -> Checked {
        let (want, allow_outside) = without(want, "$allow_outside");
        let parent = self
            .trace
            .spans
            .iter()
            .find(|other| (&other.span_id, &other.trace_id) == (&span.parent_id, &span.trace_id))
            .ok_or("its parent is not there")?;
        matches(&want, &parent.properties, "parent")?;
        let is_inside = parent.start <= span.start && span.end <= parent.end;
        if is_inside || allow_outside.is_some() {
            return Ok(());
        }
        Err(format!(
            "it is not within its parent: {}-{} and {}-{}",
            span.start, span.end, parent.start, parent.end
        ))
    }

    fn check_links(&self, span: &Span, want: &[Value]) -> Checked {
        if want.len() != span.links.len() {
            return Err(format!(
                "{} links instead of {}",
                span.links.len(),
                want.len()
            ));
        }
        for (want, (trace_id, span_id)) in want.iter().zip(&span.links) {
            let (want, occurrence) = without(want, "$occurrence");
            let is_linked =
                |other: &&Span| (&other.trace_id, &other.span_id) == (trace_id, span_id);
            let linked = self.trace.spans.iter().find(is_linked);
            let linked = linked.ok_or("what it links to is not there")?;
            matches(&want, &linked.properties, "link")?;
            let Some(occurrence) = occurrence else {
                continue;
            };
            let mut like: Vec<&Span> = self.select(&want).map(|i| &self.trace.spans[i]).collect();
            like.sort_by_key(|span| (span.start, span.end, &span.span_id));
            let place = like
                .iter()
                .position(|span| &span.span_id == span_id)
                .unwrap()
                + 1;
            if occurrence.as_u64() != u64::try_from(place).ok() {
                return Err(format!(
                    "it links to occurrence {place} instead of {occurrence}"
                ));
            }
        }
        Ok(())
    }

    fn check_order(&self, index: usize, relation: &str, want: &Value) -> Checked {
        let (want, linked) = without(want, "$linked");
        let own = &self.trace.spans[index];
        let is_meant = |other: &usize| {
            let span = &self.trace.spans[*other];
            let is_linked = || own.links.iter().any(|(_, id)| *id == span.span_id);
            *other != index && (linked.is_none() || is_linked())
        };
        let found: Vec<usize> = self.select(&want).filter(is_meant).collect();
        let [other] = found[..] else {
            return Err(format!("{relation} {want} finds {} spans", found.len()));
        };
        let other = &self.trace.spans[other];
        let holds = match relation {
            "before" => own.end <= other.start,
            "after" => other.end <= own.start,
            _ => other.start <= own.start && own.end <= other.end,
        };
        holds
            .then_some(())
            .ok_or(format!("it is not {relation} {want}"))
    }

    /// Every span in scope has to be asked for.
    fn check_coverage(&self) -> Checked {
        if self.asserted.get("require_all_spans") != Some(&Value::Bool(true)) {
            return Ok(());
        }
        let scopes = match self.asserted.get("span_assertion_scope") {
            Some(Value::Array(scopes)) => scopes.clone(),
            Some(scope) => vec![scope.clone()],
            None => vec![Value::Object(Map::new())],
        };
        let is_in = |span: &Span| {
            scopes
                .iter()
                .any(|scope| matches(scope, &span.properties, "").is_ok())
        };
        let mut all = self.trace.spans.iter().enumerate();
        let unasked = all.find(|(index, span)| !self.taken.contains(index) && is_in(span));
        match unasked {
            Some((_, span)) => Err(format!("{} is not asked for", span.name())),
            None => Ok(()),
        }
    }
}

/// What is wanted, and what the directive says, if it is there.
fn without(want: &Value, directive: &str) -> (Value, Option<Value>) {
    let mut want = want.clone();
    let said = want
        .as_object_mut()
        .and_then(|members| members.remove(directive));
    (want, said)
}

fn matches(want: &Value, found: &Value, at: &str) -> Checked {
    let differs = || Err(format!("{at} is {found} instead of {want}"));
    match want {
        Value::Object(members) => {
            if let Some(Value::Array(any)) = members.get("$any_of") {
                let one = any.iter().any(|want| matches(want, found, at).is_ok());
                return if one { Ok(()) } else { differs() };
            }
            for (key, want) in members {
                let at = format!("{at}.{key}");
                let found = found.get(key).ok_or_else(|| format!("{at} is not there"))?;
                matches(want, found, &at)?;
            }
            Ok(())
        }
        Value::String(text) if text == "*" => Ok(()),
        Value::String(text) => match pattern(text) {
            Some(pattern) if found.as_str().is_some_and(|found| pattern.is_match(found)) => Ok(()),
            None if want == found => Ok(()),
            _ => differs(),
        },
        _ if want == found => Ok(()),
        _ => differs(),
    }
}

fn pattern(text: &str) -> Option<Regex> {
    let inner = text.strip_prefix("${/")?.strip_suffix("/}")?;
    Some(Regex::new(inner).unwrap())
}

/// What each name stands for: the history says which operation has which id.
fn bound(
    requirement: &Requirement,
    trace: &Trace,
    function: &str,
) -> Result<HashMap<String, String>, String> {
    let own = format!(":function:{function}:");
    let (ours, others): (Vec<&str>, Vec<&str>) =
        trace.arns().into_iter().partition(|arn| arn.contains(&own));
    let arn = ours.first().ok_or("no span of the execution's")?;
    let mut names = HashMap::from([
        ("EXECUTION_ARN".to_owned(), (*arn).to_owned()),
        ("SERVICE_NAME".to_owned(), function.to_owned()),
    ]);
    if let Some(target) = others.first() {
        names.insert("TARGET_EXECUTION_ARN".to_owned(), (*target).to_owned());
    }
    for event in &requirement.history {
        let Some(placeholder) = event["Id"].as_str().and_then(placeholder) else {
            continue;
        };
        let kind = event["EventType"].as_str().unwrap();
        let kinds = [
            ("Callback", "CALLBACK"),
            ("ChainedInvoke", "CHAINED_INVOKE"),
            ("Context", "CONTEXT"),
            ("Step", "STEP"),
            ("Wait", "WAIT"),
        ];
        let kind = kinds
            .iter()
            .find(|(prefix, _)| kind.starts_with(prefix))
            .unwrap()
            .1;
        let is_meant = |span: &&Span| {
            let is = |key: &str, want: &Value| {
                let found = span.attribute(key);
                found.is_some_and(|found| matches(want, found, key).is_ok())
            };
            is("durable.operation.type", &Value::from(kind))
                && is("durable.operation.name", &event["Name"])
        };
        let span = trace.spans.iter().find(is_meant);
        // In the execution view an operation that never ends is not sent.
        if let Some(id) = span.and_then(|span| span.attribute("durable.operation.id")) {
            names.insert(placeholder.to_owned(), id.as_str().unwrap().to_owned());
        }
    }
    Ok(names)
}

fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.starts_with('/')).then_some(name)
}

/// The same with each `${NAME}` replaced.
fn filled(value: &Value, names: &HashMap<String, String>) -> Result<Value, String> {
    Ok(match value {
        Value::Array(items) => {
            let items: Result<_, _> = items.iter().map(|item| filled(item, names)).collect();
            Value::Array(items?)
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| Ok((key.clone(), filled(value, names)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        Value::String(text) => match placeholder(text) {
            Some(name) => match names.get(name) {
                Some(bound) => Value::from(bound.as_str()),
                None => return Err(format!("{name} stands for nothing")),
            },
            None => value.clone(),
        },
        _ => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:1:function:otel-x:$LATEST/durable-execution/n/i";

    /// Id, parent, name, start, end; each links to `1`.
    fn trace(spans: &[(&str, &str, &str, u64, u64)]) -> Trace {
        let span = |(id, parent, name, start, end): &(&str, &str, &str, u64, u64)| {
            json!({
                "traceId": "t", "spanId": id, "parentSpanId": parent, "name": name, "kind": 1,
                "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
                "status": {"code": 1}, "links": [{"traceId": "t", "spanId": "1"}],
                "attributes": [{"key": "durable.execution.arn", "value": {"stringValue": ARN}}],
            })
        };
        let spans: Vec<Value> = spans.iter().map(span).collect();
        Trace::read(&json!({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": spans}]}]}))
    }

    fn check(trace: &Trace, asserted: Value) -> Checked {
        let requirement = Requirement {
            id: "x".to_owned(),
            view: "execution",
            description: String::new(),
            input: serde_json::from_value(json!({"scenario": "x"})).unwrap(),
            history: Vec::new(),
            asserted,
        };
        Matcher::new(&requirement, trace, "otel-x")?.check()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_rule_finds_its_difference() {
        let sound = [
            ("1", "", "Workflow", 0, 9),
            ("2", "1", "a", 1, 2),
            ("3", "1", "b", 2, 3),
        ];
        let of_a = |expect: Value| json!({"span_assertions": [{"select": {"name": "a"}, "expect": expect}]});
        let sound = trace(&sound);
        for (asserted, holds, why) in [
            (of_a(json!({"status": "OK"})), true, "as it is"),
            (of_a(json!({"status": "UNSET"})), false, "another status"),
            (
                of_a(json!({"kind": {"$any_of": ["SERVER", "INTERNAL"]}})),
                true,
                "one of several",
            ),
            (
                of_a(json!({"kind": {"$any_of": ["SERVER"]}})),
                false,
                "none of several",
            ),
            (of_a(json!({"name": "${/^[ab]$/}"})), true, "a pattern"),
            (
                of_a(json!({"name": "${/^[bc]$/}"})),
                false,
                "not the pattern",
            ),
            (
                of_a(json!({"attributes": {"durable.execution.arn": "${EXECUTION_ARN}"}})),
                true,
                "a name",
            ),
            (
                of_a(json!({"attributes": {"durable.execution.arn": "${OTHER}"}})),
                false,
                "an unknown name",
            ),
            (
                of_a(json!({"parent": {"name": "Workflow"}})),
                true,
                "the parent",
            ),
            (
                of_a(json!({"parent": {"name": "b"}})),
                false,
                "another parent",
            ),
            (
                of_a(json!({"links": [{"name": "Workflow", "$occurrence": 1}]})),
                true,
                "the link",
            ),
            (
                of_a(json!({"links": [{"name": "Workflow", "$occurrence": 2}]})),
                false,
                "another occurrence",
            ),
            (
                of_a(json!({"links": [{"name": "b"}]})),
                false,
                "another link",
            ),
            (of_a(json!({"links": []})), false, "a link too many"),
            (of_a(json!({"before": {"name": "b"}})), true, "in order"),
            (of_a(json!({"after": {"name": "b"}})), false, "out of order"),
            (
                of_a(json!({"inside": {"name": "Workflow", "$linked": true}})),
                true,
                "inside",
            ),
            (of_a(json!({"inside": {"name": "b"}})), false, "not inside"),
            (
                of_a(json!({"inside": {"name": "b", "$linked": true}})),
                false,
                "not linked",
            ),
            (of_a(json!({"colour": "red"})), false, "what nobody knows"),
            (
                json!({"minimum_spans": 4, "span_assertions": []}),
                false,
                "too few",
            ),
            (
                json!({"minimum_invocations": 2, "span_assertions": []}),
                false,
                "too few invocations",
            ),
            (
                json!({"unheard_of": true, "span_assertions": []}),
                false,
                "a rule that nobody knows",
            ),
            (
                json!({"require_all_spans": true, "span_assertions": []}),
                false,
                "unasked",
            ),
            (
                json!({"span_assertions": [{"select": {}, "expect": {}, "count": 3}]}),
                true,
                "as many",
            ),
            (
                json!({"span_assertions": [{"select": {}, "expect": {}}]}),
                false,
                "too many",
            ),
            (
                json!({"span_assertions": [{"select": {"name": "c"}, "expect": {}}]}),
                false,
                "none",
            ),
            (
                json!({"exact_attribute_prefixes": ["durable."], "span_assertions": [{"select": {"name": "a"}, "expect": {"attributes": {}}}]}),
                false,
                "an attribute too many",
            ),
            (
                json!({"span_assertions": [{"select": {"name": "a"}, "expect": {}}, {"select": {"name": "a"}, "expect": {}}]}),
                false,
                "taken",
            ),
        ] {
            assert_eq!(check(&sound, asserted).is_ok(), holds, "{why}");
        }
    }

    #[test]
    fn a_child_outside_of_its_parent_has_to_be_allowed() {
        let late = trace(&[("1", "", "Workflow", 0, 9), ("2", "1", "a", 1, 10)]);
        let asserted = |parent: Value| json!({"span_assertions": [{"select": {"name": "a"}, "expect": {"parent": parent}}]});
        assert!(check(&late, asserted(json!({"name": "Workflow"}))).is_err());
        let allowed = json!({"name": "Workflow", "$allow_outside": true});
        assert_eq!(check(&late, asserted(allowed)), Ok(()));
    }

    #[test]
    fn a_trace_has_one_root() {
        let two = trace(&[("1", "", "Workflow", 0, 9), ("2", "", "a", 1, 2)]);
        assert!(check(&two, json!({"span_assertions": []})).is_err());
    }
}
