//! Requests to the local service: what each route reads of path, query, headers and body, and what the core makes of it.
//!
//! An input is a list of requests as `durable_trace_local::fuzzing` reads them, between lines `###`. A part that begins with
//! `END ` ends the oldest run with the answer that follows, and `PASS` lets time jump to what is due next.

use durable_trace_local::fuzzing::{Answer, Asked, World};

use super::measured;

pub(super) fn holds(text: &str) {
    let mut world = World::default();
    // More of them make an input slower, not stranger.
    for part in text.split("\n###\n").take(16) {
        if let Some(answer) = part.strip_prefix("END ") {
            _ = world.end(answer);
        } else if part.trim_end() == "PASS" {
            _ = world.pass();
        } else {
            answers(&mut world, part);
        }
    }
}

fn answers(world: &mut World, request: &str) {
    let before = world.view();
    let asked = measured(request, || world.read(request));
    let answer = match asked.clone() {
        Ok(asked) => world.put(asked),
        Err(refused) => refused,
    };
    let after = world.view();
    if let Ok(asked) = asked {
        is_taken_once(world, asked, &answer);
        assert_eq!(world.view(), after, "what comes again changes nothing");
    }
    is_sound(&answer);
    if answer.status != 200 {
        assert_eq!(after, before, "what is refused changes nothing: {answer:?}");
    } else if request.starts_with("GET ") {
        assert_eq!(after, before, "who asks changes nothing: {answer:?}");
    }
}

/// A checkpoint that was taken gets the same answer again if its client says that it is the same, and else none: its token
/// is used up.
fn is_taken_once(world: &mut World, asked: Asked, answer: &Answer) {
    let repeatable = asked.is_repeatable().filter(|_| answer.status == 200);
    match repeatable {
        None => {}
        Some(true) => assert_eq!(world.put(asked), *answer),
        Some(false) => assert_eq!(world.put(asked).status, 400),
    }
}

/// A refusal says why, in the API's own words; the service never fails on what it is sent.
fn is_sound(answer: &Answer) {
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("a body of JSON");
    match answer.status {
        200 => {}
        400..=499 => {
            let kind = body["Type"].as_str().expect("a type");
            assert!(kind.ends_with("Exception"), "{answer:?}");
            let message = body["message"].as_str().or(body["Message"].as_str());
            assert!(message.is_some(), "{answer:?}");
        }
        other => panic!("status {other}: {answer:?}"),
    }
}
