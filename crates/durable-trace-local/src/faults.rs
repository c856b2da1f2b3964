//! Things that go wrong on purpose.

use std::time::Duration;

use serde_json::Value;

use crate::refusal::Refusal;

/// One request, as a fault rule sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The API's name of the operation: `CheckpointDurableExecution` for one.
    pub operation: &'a str,
    /// The execution that the request is about; empty if it names none.
    pub arn: &'a str,
    /// The index of the invocation that the request's token descends from.
    pub invocation: Option<usize>,
    /// Counts the requests of this operation and execution from 1, retries included.
    pub sequence: usize,
    /// The client's own count of its attempts at this request, from 1, if it tells.
    pub attempt: Option<u32>,
    /// The body; for requests without one an object of the query.
    pub body: &'a Value,
}

/// What is to go wrong with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Close the connection without doing anything.
    CutConnection,
    /// Hold the request back for so long by the machine's clock, then go on as always.
    Delay(Duration),
    /// Do what is asked, and once more, as if the request had been delivered twice; only the second answer goes out.
    ///
    /// Both deliveries are in the record of calls, the first as one without an answer.
    DeliverTwice,
    /// Never answer, nor do anything.
    Hang,
    /// Do what is asked, then close the connection without an answer.
    LoseReply,
    /// Do what is asked, then answer 200 with a body that is not JSON.
    MalformedReply,
    /// Refuse with an error of the API.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The API's name of the error.
        error_type: String,
        /// What the client is told.
        message: String,
    },
    /// Do what is asked, then send the answer twice, the copy right behind it on the same connection, as a confused proxy
    /// would. HTTP/1.1 has no place for the copy: a client drops it, and the connection with it.
    RepeatReply,
    /// Refuse as if the token had been used before.
    StaleToken,
    /// Refuse with 429 `TooManyRequestsException`.
    Throttle,
}

/// What a fault means for the course of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Course {
    pub(crate) delay: Option<Duration>,
    pub(crate) deliveries: Deliveries,
    /// What is answered without asking the service.
    pub(crate) instead: Option<Instead>,
    /// What becomes of the service's answer.
    pub(crate) reply: Reply,
}

/// How often a request reaches the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deliveries {
    Once,
    Twice,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Instead {
    Cut,
    Hang,
    Refuse(Refusal),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reply {
    Lose,
    Mangle,
    Repeat,
    Send,
}

/// Plans the course of a request.
pub(crate) fn plan(fault: Option<Fault>) -> Course {
    let mut course = Course {
        delay: None,
        deliveries: Deliveries::Once,
        instead: None,
        reply: Reply::Send,
    };
    match fault {
        None => {}
        Some(Fault::CutConnection) => course.instead = Some(Instead::Cut),
        Some(Fault::Delay(delay)) => course.delay = Some(delay),
        Some(Fault::DeliverTwice) => course.deliveries = Deliveries::Twice,
        Some(Fault::Hang) => course.instead = Some(Instead::Hang),
        Some(Fault::LoseReply) => course.reply = Reply::Lose,
        Some(Fault::MalformedReply) => course.reply = Reply::Mangle,
        Some(Fault::Refuse {
            status,
            error_type,
            message,
        }) => course.instead = Some(Instead::Refuse(Refusal::new(status, error_type, message))),
        Some(Fault::RepeatReply) => course.reply = Reply::Repeat,
        Some(Fault::StaleToken) => course.instead = Some(Instead::Refuse(Refusal::stale_token())),
        Some(Fault::Throttle) => course.instead = Some(Instead::Refuse(Refusal::throttled())),
    }
    course
}
