//! For whom a request is meant: only this machine's own programs are answered.
//!
//! A listener on loopback is still within reach of a web page whose name is made to resolve to 127.0.0.1; such a request names
//! the page's host.

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// Whether the request names a loopback host, wherever it names one, and names one at all.
pub(crate) fn is_for_loopback(parts: &Parts) -> bool {
    let headers = parts.headers.get_all(HOST).into_iter();
    let named = headers.map(|value| value.to_str().unwrap_or_default());
    // A URI with an authority overrules the header, so that both have to be right.
    let mut named = named
        .chain(parts.uri.authority().map(Authority::as_str))
        .peekable();
    named.peek().is_some() && named.all(is_loopback)
}

/// Whether `host`, with or without a port, is this machine by name or address.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    address
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_requests_to_this_machine_are_for_it() {
        for (uri, hosts, want, why) in [
            ("/", &["127.0.0.1:9001"][..], true, "the address"),
            ("/", &["localhost:9001"], true, "the name"),
            ("/", &["LOCALHOST"], true, "in any case, without a port"),
            ("/", &["[::1]:9001"], true, "the other loopback"),
            ("/", &["127.0.0.2"], true, "another address of the loopback"),
            ("/", &[], false, "none"),
            ("/", &[""], false, "an empty one"),
            ("/", &["evil.example:9001"], false, "another host"),
            (
                "/",
                &["localhost.evil.example"],
                false,
                "a name that begins so",
            ),
            (
                "/",
                &["127.0.0.1.evil.example"],
                false,
                "a name that begins so",
            ),
            ("/", &["10.0.0.1:9001"], false, "another address"),
            ("/", &["localhost", "evil.example"], false, "one of two"),
            (
                "http://evil.example/",
                &["localhost"],
                false,
                "a URI of another",
            ),
            (
                "http://localhost/",
                &["localhost"],
                true,
                "a URI with the host",
            ),
        ] {
            let request = hosts
                .iter()
                .fold(Request::builder().uri(uri), |request, host| {
                    request.header(HOST, *host)
                });
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(is_for_loopback(&parts), want, "{why}: {uri} {hosts:?}");
        }
    }
}
