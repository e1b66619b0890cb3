//! Forms: `application/x-www-form-urlencoded`, and `multipart/form-data` by one parser that knows one
//! spelling.
//!
//! Multipart bodies are where parsers differ most: bare line feeds, text before the first boundary, folded
//! headers, `name` twice or in two encodings. A body that needs a decision about any of these is malformed,
//! for the application behind us may decide otherwise and act on a field that the signature did not cover.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr2_iter};

use super::{Fault, MAX_PAIRS, Pair, is_plain_header, ows, pairs};

/// All text fields of a form, in wire order; `None` if the content type is not a form's (or there is none),
/// which is not the same as a form without fields.
///
/// Of a multipart body, parts with a `filename` are files and left out; names and values are taken as they
/// stand, without any decoding. Copies only what needs decoding; linear.
pub(crate) fn form<'a>(content_type: Option<&[u8]>, body: &'a [u8]) -> Result<Option<Vec<Pair<'a>>>, Fault> {
    match Kind::of(content_type)? {
        None => Ok(None),
        Some(Kind::UrlEncoded) => pairs(body).map(Some),
        Some(Kind::Multipart { boundary }) => {
            let mut fields = Vec::new();
            each_field(body, boundary, |name, value| {
                fields.push((Cow::Borrowed(name), Cow::Borrowed(value)))
            })?;
            Ok(Some(fields))
        }
    }
}

/// What a form's content type says about its body.
enum Kind<'t> {
    UrlEncoded,
    Multipart { boundary: &'t [u8] },
}

impl<'t> Kind<'t> {
    fn of(content_type: Option<&'t [u8]>) -> Result<Option<Self>, Fault> {
        let Some(content_type) = content_type else {
            return Ok(None);
        };
        let (media_type, parameters) = split_parameters(content_type);
        if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            return Ok(Some(Self::UrlEncoded));
        }
        if !media_type.eq_ignore_ascii_case(b"multipart/form-data") {
            return Ok(None);
        }
        let mut found = None;
        for parameter in parameters {
            let Parameter { name, value, .. } = parameter?;
            if name.eq_ignore_ascii_case(b"boundary") && found.replace(value).is_some() {
                return Err(Fault::Malformed("the multipart content type has two boundaries"));
            }
        }
        match found {
            Some(boundary) if is_boundary(boundary) => Ok(Some(Self::Multipart { boundary })),
            Some(_) => Err(Fault::Malformed(
                "the multipart boundary is not 1 to 70 characters that a boundary may have",
            )),
            None => Err(Fault::Malformed("the multipart content type has no boundary")),
        }
    }
}

/// RFC 2046's `bchars`: a space may stand inside, not at the end.
fn is_boundary(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    matches!(text.len(), 1..=70) && text.iter().all(is_allowed) && !text.ends_with(b" ")
}

/// Call `found` with the name and value of each text field.
fn each_field<'a>(
    body: &'a [u8],
    boundary: &[u8],
    mut found: impl FnMut(&'a [u8], &'a [u8]),
) -> Result<(), Fault> {
    let begins = Fault::Malformed("the multipart body does not begin with its boundary");
    let mut rest = after_delimiter(body, boundary).ok_or(begins)?;
    for count in 0.. {
        if let Some(end) = rest.strip_prefix(b"--") {
            return match end {
                b"" | b"\r\n" => Ok(()),
                _ => Err(Fault::Malformed("the multipart body goes on after its last boundary")),
            };
        }
        if count == MAX_PAIRS {
            break;
        }
        let line_end = Fault::Malformed("a multipart boundary is followed by something else than a line end");
        let (header, after) = PartHeader::read(rest.strip_prefix(b"\r\n").ok_or(line_end)?)?;
        let (content, after) = content(after, boundary)?;
        if !header.is_file {
            found(header.name, content);
        }
        rest = after;
    }
    Err(Fault::Malformed("the multipart body has more than 1000 parts"))
}

fn after_delimiter<'a>(text: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(b"--")?.strip_prefix(boundary)
}

/// A part's content, and what follows the delimiter behind it.
///
/// Only line starts are looked at, and no boundary holds a line end, so this is linear whatever the boundary.
/// A delimiter at the start of a line that does not end in CR LF, or right behind the headers, is one to some
/// parsers.
fn content<'a>(text: &'a [u8], boundary: &[u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
    if after_delimiter(text, boundary).is_some() {
        return Err(LOOSE_DELIMITER);
    }
    for at in memchr2_iter(b'\r', b'\n', text) {
        if let Some(rest) = after_delimiter(&text[at + 1..], boundary) {
            let content = text[..=at].strip_suffix(b"\r\n").ok_or(LOOSE_DELIMITER)?;
            return Ok((content, rest));
        }
    }
    Err(Fault::Malformed("the multipart body ends without its last boundary"))
}

const LOOSE_DELIMITER: Fault =
    Fault::Malformed("a multipart boundary stands at the start of a line, but not behind a CR LF of its own");

/// What a part says of itself.
struct PartHeader<'a> {
    name: &'a [u8],
    is_file: bool,
}

/// How many header lines a part may have. Three are in use.
const MAX_PART_HEADERS: usize = 16;

impl<'a> PartHeader<'a> {
    /// Read header lines up to and with the empty one, and give what follows.
    fn read(mut text: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let mut seen: [&[u8]; MAX_PART_HEADERS] = [b""; MAX_PART_HEADERS];
        let mut header = None;
        for count in 0.. {
            let (line, rest) = line(text)?;
            text = rest;
            if line.is_empty() {
                break;
            }
            let (name, value) = header_line(line)?;
            let seen_before = seen.iter().take(count).any(|other| other.eq_ignore_ascii_case(name));
            *seen.get_mut(count).ok_or(Fault::Malformed("a multipart part has more than 16 headers"))? = name;
            if seen_before {
                return Err(Fault::Malformed("a multipart part has one header twice"));
            }
            if name.eq_ignore_ascii_case(b"content-disposition") {
                header = Some(Self::from_disposition(value)?);
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                check_transfer_encoding(value)?;
            }
        }
        let header = header.ok_or(Fault::Malformed("a multipart part has no Content-Disposition"))?;
        Ok((header, text))
    }

    fn from_disposition(value: &'a [u8]) -> Result<Self, Fault> {
        let (kind, parameters) = split_parameters(value);
        if !kind.eq_ignore_ascii_case(b"form-data") {
            return Err(Fault::Malformed("a multipart part's Content-Disposition is not form-data"));
        }
        let (mut name, mut filename) = (None, None);
        for parameter in parameters {
            let Parameter { name: key, value, is_quoted } = parameter?;
            let place = match () {
                () if key.eq_ignore_ascii_case(b"name") => &mut name,
                () if key.eq_ignore_ascii_case(b"filename") => &mut filename,
                // `filename*` and `name*` say the same thing again in another encoding: which one counts
                // differs.
                () if key.contains(&b'*') => {
                    return Err(Fault::Malformed("a multipart part has a parameter with a star (filename*)"));
                }
                () => continue,
            };
            if !is_quoted {
                return Err(Fault::Malformed("a multipart part's name or filename is not in quotes"));
            }
            if place.replace(value).is_some() {
                return Err(Fault::Malformed("a multipart part has two names or two filenames"));
            }
        }
        let name = name.ok_or(Fault::Malformed("a multipart part has no name"))?;
        Ok(Self { name, is_file: filename.is_some() })
    }
}

/// A line that ends in CR LF, without it, and what follows.
fn line(text: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    memchr2(b'\r', b'\n', text)
        .map(|at| text.split_at(at))
        .and_then(|(line, rest)| Some((line, rest.strip_prefix(b"\r\n")?)))
        .ok_or(Fault::Malformed("a multipart part's header line does not end in CR LF"))
}

/// `Name: value`. A folded line begins with a space and so has no name.
fn header_line(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let bad =
        Fault::Malformed("a multipart part has a header line that is not a name, a colon and a plain value");
    let Some(colon) = memchr(b':', line) else {
        return Err(bad);
    };
    let (name, value) = (&line[..colon], ows(&line[colon + 1..]));
    if is_token(name) && is_plain_header(value) { Ok((name, value)) } else { Err(bad) }
}

/// The encodings that encode nothing. Any other is undone by some parsers and left alone by others.
fn check_transfer_encoding(value: &[u8]) -> Result<(), Fault> {
    if ["7bit", "8bit", "binary"].iter().any(|known| value.eq_ignore_ascii_case(known.as_bytes())) {
        return Ok(());
    }
    Err(Fault::Malformed("a multipart part has a Content-Transfer-Encoding other than 7bit, 8bit or binary"))
}

/// What stands before the first `;`, and the parameters from there on.
fn split_parameters(value: &[u8]) -> (&[u8], Parameters<'_>) {
    let (head, parameters) = value.split_at(memchr(b';', value).unwrap_or(value.len()));
    (ows(head), Parameters(parameters))
}

struct Parameter<'a> {
    name: &'a [u8],
    value: &'a [u8],
    is_quoted: bool,
}

/// `; name=value; name="value"`. No backslashes in quotes (to some an escape, to some a byte), nothing empty,
/// no space around `=`. Not to be read past a fault.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Parameter<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let found = parameter(self.0);
        self.0 = found.as_ref().map_or(&[], |(_, rest)| rest);
        let bad = Fault::Malformed(
            "a form's content type, or a part's Content-Disposition, has a malformed parameter",
        );
        Some(found.map(|(parameter, _)| parameter).ok_or(bad))
    }
}

fn parameter(text: &[u8]) -> Option<(Parameter<'_>, &[u8])> {
    let text = ows(text.strip_prefix(b";")?);
    let equals = memchr(b'=', text)?;
    let (name, text) = (&text[..equals], &text[equals + 1..]);
    let is_quoted = text.first() == Some(&b'"');
    let (value, rest) = if is_quoted {
        let end = memchr(b'"', &text[1..])? + 1;
        (&text[1..end], ows(&text[end + 1..]))
    } else {
        let (value, rest) = text.split_at(memchr(b';', text).unwrap_or(text.len()));
        // Only its end is trimmed: a space behind the `=` stays, and is refused below.
        let end = value.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
        (&value[..end], rest)
    };
    let is_good = match value {
        _ if is_quoted => is_plain_header(value) && !value.contains(&b'\\'),
        [] => false,
        _ => value.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')),
    };
    (is_token(name) && is_good).then_some((Parameter { name, value, is_quoted }, rest))
}

/// HTTP's `token`.
fn is_token(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const TYPE: &str = "multipart/form-data; boundary=xyz";

    fn read(content_type: &str, body: &str) -> Option<Option<Vec<(String, String)>>> {
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
        let fields = form(Some(content_type.as_bytes()), body.as_bytes()).ok()?;
        Some(fields.map(|all| all.into_iter().map(|(name, value)| (text(name), text(value))).collect()))
    }

    fn good(content_type: &str, body: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(read(content_type, body), Some(Some(expected)), "{content_type}\n{body}");
    }

    /// One part with these header lines.
    fn part(headers: &str) -> String {
        format!("--xyz\r\n{headers}\r\n\r\nv\r\n--xyz--\r\n")
    }

    const NAMED: &str = "Content-Disposition: form-data; name=\"n\"";

    #[test]
    fn the_content_type_decides() {
        for form in
            ["application/x-www-form-urlencoded", " Application/X-WWW-Form-Urlencoded ; charset=utf-8"]
        {
            good(form, "a=1&b=x+y", &[("a", "1"), ("b", "x y")]);
            good(form, "", &[]);
        }
        for other in [
            "",
            "application/json",
            "multipart/mixed; boundary=xyz",
            "application/x-www-form-urlencodedx",
            ";",
        ] {
            assert_eq!(read(other, "a=1"), Some(None), "{other}");
        }
        assert!(matches!(form(None, b"a=1"), Ok(None)));
    }

    #[test]
    fn boundaries_quoted_or_not() {
        let bodies = [
            ("xyz", "xyz"),
            ("\"xyz\"", "xyz"),
            ("\"a b=:?\"; charset=utf-8", "a b=:?"),
            ("----=_Part(1)+2 ; charset=\"utf-8\"", "----=_Part(1)+2"),
        ];
        for (parameter, boundary) in bodies {
            let body = format!("--{boundary}\r\n{NAMED}\r\n\r\nv\r\n--{boundary}--");
            good(&format!("Multipart/Form-Data;BOUNDARY={parameter}"), &body, &[("n", "v")]);
        }
        let long = "x".repeat(71);
        for bad in [
            "",
            ";",
            "; boundary",
            "; boundary=",
            "; boundary=\"\"",
            "; boundary=xyz; boundary=xyz",
            "; boundary=xyz;",
            "; boundary = xyz",
            "; boundary= xyz",
            "; boundary=\txyz",
            "; boundary=xyz\n",
            "; boundary=\"xyz",
            "; boundary=\"xyz\"z",
            "; boundary=\"xyz \"",
            "; boundary=x\\yz",
            "; boundary=\"x\\yz\"",
            "; boundary=x*z",
            "; boundary=xyz\0",
            "; boundary=x yz",
            "; =xyz",
            &format!("; boundary={long}"),
        ] {
            assert_eq!(read(&format!("multipart/form-data{bad}"), &part(NAMED)), None, "{bad}");
        }
    }

    #[test]
    fn fields_are_read_and_files_left_out() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
            {\"a\":\r\n 1}\r\n\r\n--xy\r\n--xyz\r\ncontent-disposition:Form-Data;filename=\"a.png\";name=\"file\"\r\n\r\n\
            \0\r\n--xyz\r\nContent-Transfer-Encoding: 8BIT\r\nContent-Disposition: form-data; name=\"a %22é\"\r\n\r\n\
            \r\n--xyz\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\na--xyz\r\n--xyz--\r\n";
        good(TYPE, body, &[("json", "{\"a\":\r\n 1}\r\n\r\n--xy"), ("a %22é", ""), ("json", "a--xyz")]);
        good(TYPE, "--xyz--\r\n", &[]);
    }

    #[test]
    fn bodies_that_parsers_read_differently_are_malformed() {
        let whole = part(NAMED);
        good(TYPE, &whole, &[("n", "v")]);
        for bad in [
            String::new(),
            format!("\r\n{whole}"),
            format!("before\r\n{whole}"),
            format!("{whole}after"),
            format!("{whole}\r\n"),
            whole.replace("--xyz--\r\n", ""),
            whole.replace("--xyz--\r\n", "--xyz"),
            whole.replace("--xyz--\r\n", "--xyz\r\n"),
            whole.replace("--xyz--\r\n", "--xyzz--\r\n"),
            whole.replace("--xyz\r\n", "--xyz \r\n"),
            whole.replace("\r\n", "\n"),
            whole.replace("\r\n", "\r"),
            whole.replace("v\r\n--", "v\n--"),
            whole.replace("v\r\n--", "v\r--"),
            whole.replace("v\r\n--", "v--"),
            whole.replace("\r\n\r\nv\r\n", "\r\n\r\n"),
            whole.replace("v\r\n", "v\n--xyz\r\nw\r\n"),
            whole.replace("\r\n\r\nv", "\r\n"),
        ] {
            assert_eq!(read(TYPE, &bad), None, "{bad:?}");
        }
    }

    #[test]
    fn part_headers_that_parsers_read_differently_are_malformed() {
        for bad in [
            "X-Other: 1",
            "Content-Disposition: attachment; name=\"n\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; filename=\"f\"",
            "Content-Disposition: form-data; name=n",
            "Content-Disposition: form-data; name=\"n\"; filename=f",
            "Content-Disposition: form-data; name=\"n\"; name=\"n\"",
            "Content-Disposition: form-data; name=\"n\"; filename*=utf-8''f",
            "Content-Disposition: form-data; name=\"n\"; name*=utf-8''m",
            "Content-Disposition: form-data; name=\"a\\\"b\"",
            "Content-Disposition: form-data; name=\"a\\b\"",
            "Content-Disposition: form-data; name=\"a\"b\"",
            "Content-Disposition: form-data; name=\"a\tb\"",
            "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name=\"n\";",
            "Content-Disposition: form-data name=\"n\"",
            "Content-Disposition : form-data; name=\"n\"",
            "Content-Disposition: form-data;\r\n name=\"n\"",
            "Content-Disposition: form-data; name=\"n\"\r\nContent-Disposition: form-data; name=\"n\"",
            "Content-Disposition: form-data; name=\"n\"\r\nX-A: 1\r\nx-a: 1",
            "Content-Disposition: form-data; name=\"n\"\r\nContent-Transfer-Encoding: base64",
            "Content-Disposition: form-data; name=\"n\"\r\nno colon",
            "Content-Disposition: form-data; name=\"n\"\nX: 1",
            "Content-Disposition: form-data; name=\"n\"\r\nX: \u{1}",
        ] {
            assert_eq!(read(TYPE, &part(bad)), None, "{bad:?}");
        }
        let headers = |count| (0..count).map(|at| format!("X-{at}: 1\r\n")).collect::<String>() + NAMED;
        good(TYPE, &part(&headers(15)), &[("n", "v")]);
        assert_eq!(read(TYPE, &part(&headers(16))), None);
    }

    #[test]
    fn there_is_an_end_to_parts() {
        let body = |count| format!("--xyz\r\n{NAMED}\r\n\r\nv\r\n").repeat(count) + "--xyz--";
        assert_eq!(read(TYPE, &body(MAX_PAIRS)).flatten().map(|all| all.len()), Some(MAX_PAIRS));
        assert_eq!(read(TYPE, &body(MAX_PAIRS + 1)), None);
    }

    /// A content with many line ends and near-boundaries in it.
    fn awkward() -> impl Strategy<Value = String> {
        vec(prop_oneof!["\r", "\n", "\r\n", "--", "-", "xy", ".{1,3}"], 0..12)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_bytes_panic(kind in vec(any::<u8>(), 0..60), tail in ".{0,20}", body in vec(any::<u8>(), 0..200)) {
            let _ = form(Some(&kind), &body).is_ok();
            let _ = form(Some(format!("multipart/form-data;{tail}").as_bytes()), &body).is_ok();
        }

        #[test]
        fn no_near_miss_panics(
            pieces in vec(prop_oneof![
                "--xyz", "--", "\r\n", "\r", "\n",
                "Content-Disposition: form-data", "; name=\"a\"", "; filename", ".{1,2}",
            ], 0..40),
        ) {
            let body = pieces.concat();
            let _ = form(Some(TYPE.as_bytes()), body.as_bytes()).is_ok();
        }

        #[test]
        fn what_is_written_is_read(
            parts in vec(("[^\\p{Cc}\"\\\\]{0,8}", awkward(), any::<bool>()), 0..6),
            quoted in any::<bool>(),
        ) {
            let mut body = String::new();
            for (name, value, is_file) in &parts {
                let file = if *is_file { "; filename=\"f\"" } else { "" };
                body += &format!("--x-Y1\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
            }
            body += "--x-Y1--\r\n";
            let kind = if quoted { "multipart/form-data; boundary=\"x-Y1\"" } else { "multipart/form-data; boundary=x-Y1" };
            let fields = parts.into_iter().filter(|part| !part.2).map(|(name, value, _)| (name, value)).collect();
            prop_assert_eq!(read(kind, &body), Some(Some(fields)));
        }
    }
}
