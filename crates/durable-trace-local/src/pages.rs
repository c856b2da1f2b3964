//! What a program serves beside the API, at the same address: a page for people, and the data behind it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::service::Service;

/// Answers a request for a page, or gives none if it has no such page.
pub(crate) type PageRule = Arc<dyn Fn(&Service, &PageRequest<'_>) -> Option<Page> + Send + Sync>;

/// A GET whose path is none of the API's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PageRequest<'a> {
    /// The path as it came, percent-encoded.
    pub path: &'a str,
    /// What stands behind the question mark as it came; empty if nothing does.
    pub query: &'a str,
}

impl PageRequest<'_> {
    /// The decoded value of a parameter of the query, the first if there are several.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
        let value = value.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&value).decode_utf8();
        decoded.ok().map(Cow::into_owned)
    }
}

/// An answer to a [`PageRequest`]: status 200, never kept by a cache.
#[derive(Clone, Debug)]
pub struct Page {
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Page {
    /// A document, which no other page may frame: what is clicked on it is meant for it.
    pub fn html(body: String) -> Self {
        Self {
            content_type: "text/html; charset=utf-8",
            body,
        }
    }

    /// Data for a document.
    pub fn json(body: String) -> Self {
        Self {
            content_type: "application/json",
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let request = PageRequest {
            path: "/",
            query: "arn=arn%3Aaws%2Fx&empty=&twice=1&twice=2&text=a+b%2B&bad=%ff&alone",
        };
        for (name, want) in [
            ("arn", Some("arn:aws/x")),
            ("empty", Some("")),
            ("twice", Some("1")),
            ("text", Some("a b+")),
            ("bad", None),
            ("alone", None),
            ("absent", None),
        ] {
            assert_eq!(request.parameter(name).as_deref(), want, "{name}");
        }
    }
}
