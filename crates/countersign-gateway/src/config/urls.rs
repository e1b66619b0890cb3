//! URLs and paths: what senders call us, where we call, what a source is reached by. What two programs might read as two
//! things is refused here, once, and compared byte for byte from then on.

use super::values::Around;
use countersign::config::Spanned;
use std::sync::Arc;
use url::Url;

/// The start of URLs: scheme, host, perhaps a port and a path. Without the slash at its end.
pub(super) fn base_url(around: &Around<'_>, key: &str, text: &Spanned<Arc<str>>) -> Option<Arc<str>> {
    let url = checked_url(around, key, text)?;
    if let Some(part) = [("?", url.query()), ("#", url.fragment())].iter().find(|(_, part)| part.is_some()) {
        let says = format!("`{key}` ends before `{}`: it is what every URL begins with", part.0);
        around.wrong(&text.span, says, format!("write `{key} = \"https://hooks.example.com\"`, say"));
        return None;
    }
    Some(text.value.trim_end_matches('/').into())
}

/// An absolute URL by `http` or `https`, without user and password.
pub(super) fn checked_url(around: &Around<'_>, key: &str, text: &Spanned<Arc<str>>) -> Option<Url> {
    let help = || format!("write `{key} = \"https://hooks.example.com\"`, say");
    // What a URL's reader drops unsaid would be in what senders sign, and not in what we compare it with.
    let odd = |byte: u8| !byte.is_ascii_graphic() || b"\\\"<>^`{|}".contains(&byte);
    let has_host = text.value.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    let known = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    let plain = has_host && !text.value.bytes().any(odd);
    let url = Url::parse(&text.value).ok().filter(|url| plain && known(url));
    let Some(url) = url else {
        // It may have a password in it.
        around.masks.borrow_mut().push(text.span.clone());
        around.wrong(&text.span, format!("`{key}` is no absolute URL by https or http"), help());
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() || text.value.contains('@') {
        around.masks.borrow_mut().push(text.span.clone());
        around.wrong(&text.span, format!("`{key}` has a user or a password in it"), help());
        return None;
    }
    Some(url)
}

/// One path, spelled in the one way that is compared: what others might read as the same is refused here, once.
pub(super) fn check_path(path: &str) -> Result<(), (String, String)> {
    let wrong = |says: &str, help: &str| Err((format!("`path` {says}"), help.to_owned()));
    if !path.starts_with('/') || path.len() > 512 {
        return wrong("begins with `/` and has at most 512 bytes", "write `path = \"/in/payments\"`, say");
    }
    if let Some(odd) = path.bytes().find(|byte| !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(byte)) {
        let says = format!("has the byte {odd:#04x}, which no path on the wire has");
        return wrong(&says, "letters, digits and - . _ ~ ! $ & ' ( ) + , ; = : @ /, and %XX for the rest");
    }
    if path.contains(['?', '#']) {
        return wrong("ends before `?` and `#`", "leave the query out: it is not looked at");
    }
    if path.contains('*') {
        return wrong(
            "has a `*`, and a source has one path and no pattern",
            "give every path its own source",
        );
    }
    if path.contains("//") {
        return wrong("has an empty segment, `//`, which others leave out", "write one `/`");
    }
    if path.split('/').any(|segment| [".", ".."].contains(&segment)) {
        return wrong("has a segment `.` or `..`, which others resolve", "write the path that is meant");
    }
    for (at, _) in path.match_indices('%') {
        let byte = path.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(byte) = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            return wrong("has a `%` without two hexadecimal digits", "write `%25` for the sign itself");
        };
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            let says = format!("has {}, which others read as `{}`", &path[at..at + 3], char::from(byte));
            let help = if byte == b'/' {
                "a slash in a segment has no one meaning: leave it out"
            } else {
                "write the character itself"
            };
            return wrong(&says, help);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for good in
            ["/", "/in/payments", "/in/payments/", "/a.b/c~d", "/a%20b", "/%E2%82%AC", "/...", "/a;b=c@d"]
        {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for (bad, says) in [
            ("", "begins with `/`"),
            ("in", "begins with `/`"),
            ("/a//b", "empty segment"),
            ("//", "empty segment"),
            ("/a/../b", "segment `.` or `..`"),
            ("/.", "segment `.` or `..`"),
            ("/a?b", "ends before `?`"),
            ("/a#b", "ends before `?`"),
            ("/a/*", "a source has one path and no pattern"),
            ("/a b", "has the byte 0x20"),
            ("/é", "has the byte 0xc3"),
            ("/a\\b", "has the byte 0x5c"),
            ("/a\n", "has the byte 0x0a"),
            ("/a%2fb", "which others read as `/`"),
            ("/a%2Fb", "which others read as `/`"),
            ("/%41", "which others read as `A`"),
            ("/%2e%2e/x", "which others read as `.`"),
            ("/a%", "without two hexadecimal digits"),
            ("/a%zz", "without two hexadecimal digits"),
            ("/a%+1", "without two hexadecimal digits"),
        ] {
            let wrong = check_path(bad).unwrap_err().0;
            assert!(wrong.contains(says), "{bad}: {wrong}");
        }
        assert!(check_path(&format!("/{}", "a".repeat(512))).is_err());
    }
}
