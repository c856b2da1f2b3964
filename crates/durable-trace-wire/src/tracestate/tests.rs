use super::*;

fn render(context: &Context) -> String {
    let mut text = String::new();
    push(&mut text, context, &context.parent_id.to_hex());
    assert!(text.len() <= max_length(context), "{context:?}");
    text
}
use crate::ids::TraceId;

fn read(text: &str) -> (Option<i128>, Option<String>, Vec<(String, String)>) {
    let member = parse(text);
    let tags = member
        .tags
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    (member.priority, member.origin.clone(), tags.collect())
}

fn tag(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[test]
fn reads_the_last_datadog_member() {
    for (text, want, why) in [
        (
            "dd=s:2;o:rum",
            (Some(2), Some("rum".into()), vec![]),
            "plain",
        ),
        (
            "foo=1 \t , \t dd=s:2, \t baz=3",
            (Some(2), None, vec![]),
            "white space",
        ),
        (
            "\u{a0}dd=s:2\u{a0}",
            (Some(2), None, vec![]),
            "other white space",
        ),
        (",,dd=s:2,", (Some(2), None, vec![]), "empty members"),
        ("dd=s:1,dd=s:2", (Some(2), None, vec![]), "two members"),
        (
            "dd=s:x,dd=s:2",
            (Some(2), None, vec![]),
            "the first is malformed",
        ),
        (
            "dd=o:é,dd=s:2",
            (Some(2), None, vec![]),
            "the first is not ASCII",
        ),
        ("dd=s:1;s:2", (Some(2), None, vec![]), "a field twice"),
        (
            "dd=s:x;s:2",
            (Some(2), None, vec![]),
            "a field twice, the first malformed",
        ),
        (
            "dd=s: 2",
            (Some(2), None, vec![]),
            "white space before the number",
        ),
        (
            "dd=o:a~b",
            (None, Some("a=b".into()), vec![]),
            "a tilde stands for an equals sign",
        ),
        ("dd=o:", (None, None, vec![]), "an empty origin is none"),
        (
            "dd=t.usr.id:a~~",
            (None, None, tag("_dd.p.usr.id", "a==")),
            "a tag",
        ),
        (
            "dd=t.a:b:c",
            (None, None, tag("_dd.p.a", "b:c")),
            "a colon in the value",
        ),
        (
            "dd=t.:x",
            (None, None, tag("_dd.p.", "x")),
            "a tag without a name",
        ),
        (
            "dd=t.tid:1111111111111111",
            (None, None, vec![]),
            "the upper half is traceparent's",
        ),
        (
            "dd=x:y;p:00f067aa0ba902b7",
            (None, None, vec![]),
            "fields that say nothing here",
        ),
    ] {
        assert_eq!(read(text), want, "{why}: {text:?}");
    }
}

#[test]
fn a_malformed_member_says_nothing_at_all() {
    for (text, why) in [
        ("", "empty"),
        ("foo=1", "other vendors' alone"),
        ("dd", "no value"),
        ("dd=", "an empty value"),
        ("dd=s:2;bad", "a field without a colon"),
        ("dd=s:2;;o:x", "an empty field"),
        ("dd=s:2;", "an empty field at the end"),
        ("dd=s:;o:x", "a priority without a number"),
        ("dd=s:x;o:x", "a priority that is no number"),
        ("dd=s:2,dd=x", "the last is malformed"),
        ("DD=s:2", "upper case"),
        ("dd =s:2", "a space before the equals sign"),
        ("dd=s:2;o:é", "not ASCII"),
        ("foo=é,dd=s:2", "another vendor's is not ASCII"),
        ("dd=s:2;o:a\u{1}", "a control character"),
    ] {
        assert_eq!(parse(text), DatadogMember::default(), "{why}: {text:?}");
    }
}

#[test]
fn the_flag_decides_and_the_member_says_how_strongly() {
    for (text, not_sampled, sampled, why) in [
        ("", Some(0), Some(1), "nothing said"),
        ("dd=s:2", Some(0), Some(2), "kept by the user"),
        ("dd=s:1", Some(0), Some(1), "kept by the sampler"),
        ("dd=s:0", Some(0), Some(1), "dropped by the sampler"),
        ("dd=s:-1", Some(-1), Some(1), "dropped by the user"),
        ("dd=s:9", Some(0), Some(1), "no priority: the flag's"),
        ("dd=s:-9", Some(0), Some(1), "no priority: the flag's"),
        (
            "dd=s:99999999999999999999999",
            Some(0),
            Some(1),
            "beyond 64 bits",
        ),
        ("dd=o:rum", None, None, "a browser session has not decided"),
        (
            "dd=o:rum;s:0",
            Some(0),
            Some(0),
            "a browser session dropped",
        ),
        ("dd=o:rum;s:2", Some(0), Some(2), "a browser session kept"),
    ] {
        let number = |flag| parse(text).priority(flag).map(SamplingPriority::value);
        assert_eq!(
            (number(false), number(true)),
            (not_sampled, sampled),
            "{why}: {text:?}"
        );
    }
}

fn context(tags: &[(&str, &str)]) -> Context {
    Context {
        trace_id: TraceId::from_u128(77).unwrap(),
        parent_id: SpanId::new(5).unwrap(),
        sampling_priority: Some(SamplingPriority::UserKeep),
        origin: Some("a=b;c".into()),
        tags: Tags::from_pairs(tags.iter().copied()),
    }
}

#[test]
fn writes_what_a_member_can_hold() {
    let rendered = render(&context(&[
        ("_dd.p.a b=c", "d,e;f~g=h:é"),
        ("_dd.p.usr.id", "x=="),
        ("_dd.p.dm", "-4"),
    ]));
    assert_eq!(
        rendered,
        "dd=s:2;o:a~b_c;p:0000000000000005;t.usr.id:x~~;t.dm:-4;t.a_b_c:d_e_f_g~h:_"
    );
    assert!(render(&context(&[("_dd.p.a", "1  ")])).ends_with(";t.a:1"));
    let bare = Context {
        sampling_priority: None,
        origin: Some("\n".into()),
        ..context(&[])
    };
    assert_eq!(render(&bare), "dd=p:0000000000000005");
}

#[test]
fn a_member_ends_at_256_characters_but_for_the_tags_that_all_read() {
    let base = render(&context(&[]));
    let just = "x".repeat(256 - base.len() - ";t.a:".len());
    let over = format!("{just}x");
    let user = "u".repeat(300);
    assert_eq!(render(&context(&[("_dd.p.a", &just)])).len(), 256);
    let rendered = render(&context(&[
        ("_dd.p.a", &over),
        ("_dd.p.usr.id", &user),
        ("_dd.p.dm", "-4"),
    ]));
    assert_eq!(rendered, format!("{base};t.usr.id:{user};t.dm:-4"));
    let rendered = render(&context(&[("_dd.p.a", &over), ("_dd.p.b", "1")]));
    assert_eq!(
        rendered,
        format!("{base};t.b:1"),
        "a shorter one still fits"
    );
}

#[test]
fn nothing_makes_it_longer_than_every_vendor_passes_on() {
    let long = "o".repeat(480);
    let user = "u".repeat(480);
    let with = |origin: &str, tags: &[(&str, &str)]| {
        render(&Context {
            origin: Some(origin.into()),
            ..context(tags)
        })
    };
    let base = "dd=s:2;o:x;p:0000000000000005";
    assert_eq!(with("x", &[("_dd.p.usr.id", &user)]), base, "dropped whole");
    assert_eq!(
        with("x", &[("_dd.p.usr.id", &user), ("_dd.p.dm", "-4")]),
        format!("{base};t.dm:-4"),
        "a shorter one still fits"
    );
    let whole = with(&long, &[]);
    assert_eq!(whole, format!("dd=s:2;o:{long};p:0000000000000005"));
    assert_eq!(with(&"o".repeat(490), &[]), "dd=s:2;p:0000000000000005");
    assert_eq!(parse(&format!("dd=o:{}", "o".repeat(513))).origin, None);
}

#[test]
fn names_that_become_one_are_one_field() {
    let rendered = render(&context(&[
        ("_dd.p.a b", "1"),
        ("_dd.p.c", "2"),
        ("_dd.p.a_b", "3"),
    ]));
    assert_eq!(rendered, "dd=s:2;o:a~b_c;p:0000000000000005;t.a_b:3;t.c:2");
}

#[test]
fn another_parent_leaves_the_rest() {
    let parent = SpanId::new(10).unwrap();
    for (text, want, why) in [
        (
            "dd=s:2;p:00f067aa0ba902b7;o:x",
            Some("dd=s:2;p:000000000000000a;o:x"),
            "in its place",
        ),
        ("dd=s:2", Some("dd=s:2;p:000000000000000a"), "at the end"),
        ("dd=", None, "an empty member is malformed, and stays so"),
        ("dd=;s:2;p:1", None, "so is one with an empty field"),
        (
            "dd=p:1;p:2",
            Some("dd=p:000000000000000a"),
            "two parents become one",
        ),
        (
            "foo=1 , dd=s:2,bar=2",
            Some("foo=1,dd=s:2;p:000000000000000a,bar=2"),
            "among others",
        ),
        (
            "dd=s:1,dd=s:2",
            Some("dd=s:1;p:000000000000000a,dd=s:2;p:000000000000000a"),
            "two members",
        ),
        ("foo=1", None, "no member of ours"),
        (
            "dd=s:2;p:\u{e9}",
            None,
            "no reader takes it, and none is to take it then",
        ),
    ] {
        assert_eq!(with_parent_id(text, parent).as_deref(), want, "{why}");
    }
}

#[test]
fn only_the_parent_and_the_order_of_fields_may_differ() {
    for (one, other, want, why) in [
        ("dd=s:2;p:1;o:x", "dd=o:x;s:2;p:2", true, "order and parent"),
        ("dd=s:2", "dd=s:2;p:2", true, "a parent more"),
        ("foo=1,dd=s:2", "foo=1, dd=s:2", true, "white space between"),
        ("dd=s:2", "dd=s:1", false, "another priority"),
        ("dd=s:2;t.a:1", "dd=s:2", false, "a tag less"),
        ("dd=s:2", "dd=s:2,foo=1", false, "a member more"),
        ("foo=1,bar=2", "bar=2,foo=1", false, "the order of members"),
        (
            "foo=a;b",
            "foo=b;a",
            false,
            "the order within another vendor's",
        ),
        ("dd=", "", false, "an empty member is a member"),
    ] {
        assert_eq!(same_but_parent(one, other), want, "{why}");
        assert_eq!(
            same_but_parent(other, one),
            want,
            "{why}, the other way round"
        );
    }
}
