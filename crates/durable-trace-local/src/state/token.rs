//! Checkpoint tokens: which execution, which invocation, which turn.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What a checkpoint token says. Opaque to clients, as AWS's is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Token {
    /// The id of the execution, the last part of its ARN.
    #[serde(rename = "exe")]
    pub(crate) execution: String,
    /// The request id of the invocation whose event began this line of tokens.
    #[serde(rename = "inv")]
    pub(crate) invocation: String,
    /// Counts over the whole execution; only the newest is good.
    #[serde(rename = "seq")]
    pub(crate) sequence: u64,
}

impl Token {
    /// Writes the token as clients carry it.
    pub(crate) fn encode(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token; `None` if this service never wrote it.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_way_to_the_client_and_back() {
        let token = Token {
            execution: "e".to_owned(),
            invocation: "i".to_owned(),
            sequence: 7,
        };
        assert_eq!(Token::decode(&token.encode()), Some(token));
    }

    #[test]
    fn what_is_no_token_reads_as_none() {
        for text in ["", "stale", "e30=", "\u{1F512}"] {
            assert_eq!(Token::decode(text), None, "{text:?}");
        }
    }
}
