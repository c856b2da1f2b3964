//! For whom a request is meant, and who sent it: only this machine's own programs are answered.
//!
//! A listener on loopback is still within reach of a web page whose name is made to resolve to 127.0.0.1; such a request names
//! the page's host. And a page of another origin may have a browser send what no answer is needed for, such as an Invoke; browsers say so
//! in `Origin` and `Sec-Fetch-Site`, which AWS's clients do not send: <https://www.w3.org/TR/fetch-metadata/>.

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method};

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

/// Whether a browser sent this on behalf of a page that is not the service's own, and it may change something.
pub(crate) fn is_from_another_page(parts: &Parts) -> bool {
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return false;
    }
    let host = parts.headers.get(HOST).map(HeaderValue::as_bytes);
    let is_own = |origin: &[u8]| {
        origin
            .strip_prefix(b"http://")
            .is_some_and(|origin| host.is_some_and(|host| origin.eq_ignore_ascii_case(host)))
    };
    let mut origins = parts.headers.get_all(ORIGIN).into_iter();
    let mut sites = parts.headers.get_all("sec-fetch-site").into_iter();
    // `none`: the user's own doing, such as an address that was typed.
    origins.any(|origin| !is_own(origin.as_bytes()))
        || sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
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
    fn what_may_change_something_comes_from_no_other_page() {
        for (method, headers, want, why) in [
            ("POST", &[][..], false, "no browser"),
            (
                "POST",
                &[
                    ("origin", "http://127.0.0.1:9001"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
                "the page of the service",
            ),
            ("POST", &[("sec-fetch-site", "none")], false, "the user"),
            (
                "POST",
                &[("origin", "http://evil.example")],
                true,
                "a page of the web",
            ),
            (
                "POST",
                &[("origin", "null")],
                true,
                "a sandboxed page, or a file",
            ),
            (
                "POST",
                &[("origin", "https://127.0.0.1:9001")],
                true,
                "another scheme",
            ),
            (
                "POST",
                &[("origin", "http://127.0.0.1:3000")],
                true,
                "another port",
            ),
            (
                "POST",
                &[("origin", "http://localhost:9001")],
                true,
                "another name of it",
            ),
            (
                "POST",
                &[("sec-fetch-site", "cross-site")],
                true,
                "a page of the web",
            ),
            (
                "POST",
                &[("sec-fetch-site", "same-site")],
                true,
                "another port, as browsers say",
            ),
            (
                "POST",
                &[
                    ("origin", "http://127.0.0.1:9001"),
                    ("origin", "http://evil.example"),
                ],
                true,
                "one of two",
            ),
            (
                "PUT",
                &[("origin", "http://evil.example")],
                true,
                "any method that changes",
            ),
            (
                "GET",
                &[("origin", "http://evil.example")],
                false,
                "it changes nothing, and the page cannot read it",
            ),
        ] {
            let request = Request::builder()
                .method(method)
                .uri("/")
                .header(HOST, "127.0.0.1:9001");
            let request = headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(
                is_from_another_page(&parts),
                want,
                "{why}: {method} {headers:?}"
            );
        }
    }

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
