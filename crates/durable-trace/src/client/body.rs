//! A checkpoint request's body, with our update taken out again.

use std::collections::BTreeMap;

use aws_sdk_lambda::config::http::HttpRequest;
use aws_sdk_lambda::primitives::SdkBody;
use serde_json::value::RawValue;

/// Takes the update with this id out of the request, which is signed afterwards. A body that cannot be read stays as it is.
pub(super) fn remove_update(request: &mut HttpRequest, id: &str) {
    let Some(body) = request
        .body()
        .bytes()
        .and_then(|body| without_update(body, id))
    else {
        return;
    };
    request
        .headers_mut()
        .insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

/// All else is kept to the letter, but for the client token: it names a request, and this is another one. The same change each time,
/// so that further attempts are again the same request.
fn without_update(body: &[u8], id: &str) -> Option<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct Update<'a> {
        #[serde(rename = "Id", borrow)]
        id: std::borrow::Cow<'a, str>,
    }
    let mut members: BTreeMap<&str, &RawValue> = serde_json::from_slice(body).ok()?;
    let updates: Vec<&RawValue> = serde_json::from_str(members.get("Updates")?.get()).ok()?;
    let kept: Vec<&RawValue> = updates
        .into_iter()
        .filter(|update| {
            serde_json::from_str::<Update<'_>>(update.get()).map_or(true, |update| update.id != id)
        })
        .collect();
    let kept = serde_json::value::to_raw_value(&kept).ok()?;
    members.insert("Updates", &kept);
    let token = members
        .get("ClientToken")
        .and_then(|token| serde_json::from_str::<String>(token.get()).ok());
    let token = token.and_then(|token| serde_json::value::to_raw_value(&another(&token)).ok());
    if let Some(token) = &token {
        members.insert("ClientToken", token);
    }
    serde_json::to_vec(&members).ok()
}

/// A client token made of another: of the same signs, one longer, and never the same.
fn another(token: &str) -> String {
    format!("{token}-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_update_is_taken_out() {
        let body = br#"{"CheckpointToken":"t","Updates":[{"Id":"a","Payload":"\u0031 1.0"},{"Id":"ours"}],"ClientToken":"c"}"#;
        let kept = String::from_utf8(without_update(body, "ours").unwrap()).unwrap();
        assert_eq!(
            kept,
            r#"{"CheckpointToken":"t","ClientToken":"c-","Updates":[{"Id":"a","Payload":"\u0031 1.0"}]}"#,
            "the SDK's update is the same to the letter"
        );
    }

    #[test]
    fn a_body_that_cannot_be_read_is_left_alone() {
        for body in [&b"not JSON"[..], b"{}", b"[]", br#"{"Updates":1}"#] {
            assert_eq!(without_update(body, "ours"), None);
        }
    }

    #[test]
    fn content_length_follows_the_body() {
        let mut request = HttpRequest::new(SdkBody::from(r#"{"Updates":[{"Id":"ours"}]}"#));
        remove_update(&mut request, "ours");
        assert_eq!(request.body().bytes(), Some(&br#"{"Updates":[]}"#[..]));
        assert_eq!(request.headers().get("content-length"), Some("14"));
    }
}
