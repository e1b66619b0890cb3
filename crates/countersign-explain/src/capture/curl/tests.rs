#![allow(clippy::unwrap_used)]
use super::*;

fn read(text: &str) -> Capture {
    Capture::read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn wrong(text: &str) -> String {
    match Capture::read(text.as_bytes(), None) {
        Ok(capture) => panic!("{text} is taken: {capture:?}"),
        Err(error) => error.says,
    }
}

/// `METHOD URL | headers | body`.
fn told(capture: &Capture) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<String> =
        capture.headers.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    let Address::Given(url) = &capture.url else { panic!("{:?}", capture.url) };
    format!("{} {url} | {} | {}", capture.method, headers.join("; "), text(&capture.body))
}

const FORM: &str = "Content-Type=application/x-www-form-urlencoded";

#[test]
fn a_command_is_the_request_that_curl_would_send() {
    for (text, wanted) in [
        ("curl http://h/", "GET http://h/ |  | ".to_owned()),
        ("curl http://h/ -d a -d b=c", format!("POST http://h/ | {FORM} | a&b=c")),
        ("curl -XPUT -d'a' https://h", format!("PUT https://h | {FORM} | a")),
        ("curl -sSLkXPOST https://h", "POST https://h |  | ".into()),
        ("curl --request POST --url 'https://h/?a=b#c'", "POST https://h/?a=b |  | ".into()),
        ("curl https://h -H 'A: b' -H 'a:c ' -H 'E;' -H 'Accept:'", "GET https://h | A=b; a=c; E= | ".into()),
        (
            "curl https://h -H 'content-type: x' --data-raw '@a'",
            "POST https://h | content-type=x | @a".into(),
        ),
        ("curl https://h -H 'Content-Type:' --data-binary $'\\r\\n'", "POST https://h |  | \r\n".into()),
        (
            "curl https://h --data-urlencode 'a=b c~é' --data-urlencode '=&' --data-urlencode x/",
            format!("POST https://h | {FORM} | a=b+c~%C3%A9&%26&x%2F"),
        ),
        ("curl -G https://h/?a -d b=c -d d", "GET https://h/?a&b=c&d |  | ".into()),
        ("curl -G https://h? -d b=c", "GET https://h?b=c |  | ".into()),
        ("curl -G https://h -d b=c", "GET https://h?b=c |  | ".into()),
        ("curl -I https://h", "HEAD https://h |  | ".into()),
        ("curl https://h -u a:b", "GET https://h | Authorization=Basic YTpi | ".into()),
        ("curl https://h -u a:b -H 'authorization: x'", "GET https://h | authorization=x | ".into()),
        ("curl https://h --oauth2-bearer t -A me -e https://r;auto", String::new()),
        ("curl https://h -b a=b -b 'c=d; e=f'", "GET https://h | Cookie=a=b;c=d; e=f | ".into()),
        (
            "curl https://h --json '{}' --json x",
            "POST https://h | Content-Type=application/json; Accept=application/json | {}x".into(),
        ),
        ("curl 'https://h/\\[a\\]'", "GET https://h/[a] |  | ".into()),
        ("curl -g 'https://[::1]/{a}'", "GET https://[::1]/{a} |  | ".into()),
        ("curl 'https://[::1]:1/a'", "GET https://[::1]:1/a |  | ".into()),
        ("curl --path-as-is https://h/a/../b", "GET https://h/a/../b |  | ".into()),
        ("curl https://h -d ''", format!("POST https://h | {FORM} | ")),
        ("curl -o x --compressed -m 3 -x p --http2 -- https://h", "GET https://h |  | ".into()),
    ] {
        if wanted.is_empty() {
            assert!(wrong(text).contains("`;` stands outside quotes"));
            continue;
        }
        assert_eq!(told(&read(text)), wanted, "{text}");
    }
}

#[test]
fn what_browsers_copy_is_read() {
    let text = "curl 'https://example.com/hook?a=b' \\\n  -X 'POST' \\\n  -H 'accept: */*' \\\n  \
        -H $'x-quote: it\\'s' \\\n  -b 'sid=1' \\\n  -H 'content-type: application/json' \\\n  \
        --data-raw $'{\"a\":\"\\u0021\\n\u{1f980}\"}' \\\n  --compressed ;";
    assert!(wrong(text).contains("`;`"));
    let capture = read(text.trim_end_matches(" ;"));
    assert_eq!(capture.body, "{\"a\":\"!\n\u{1f980}\"}".as_bytes());
    assert_eq!(
        told(&capture).split(" | ").nth(1).unwrap(),
        "accept=*/*; x-quote=it's; content-type=application/json; Cookie=sid=1"
    );
    assert!(capture.notes.is_empty() && capture.form == Form::Curl);
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let capture = read("curl https://h --data-binary $'\\xff\\x01'");
    assert_eq!(capture.body, b"\xff\x01");
    let capture = Capture::read(b"curl https://h -H 'a: \xe9' -d '\xff'", None).unwrap();
    assert_eq!((&*capture.body, &*capture.headers[0].1), (&b"\xff"[..], &b"\xe9"[..]));
}

#[test]
fn what_is_not_in_the_command_line_is_refused_by_name() {
    for (text, says) in [
        ("curl", "no URL"),
        ("curl https://h https://i", "more than one URL: `https://h` and `https://i`"),
        ("curl https://h -d @body.json", "`-d`: the body is in the file `body.json`"),
        ("curl https://h --data-binary @-", "`--data-binary`: the body is in the file `-`"),
        ("curl https://h --data-urlencode a@b", "in the file `b`"),
        ("curl https://h -F a=b", "`-F`: the parts of its body"),
        ("curl https://h --form a=b", "`--form`: the parts"),
        ("curl https://h -T x", "`-T`: what is sent stands in a file"),
        ("curl https://h -H @x", "`-H`: what is sent"),
        ("curl https://h -b x", "a cookie is NAME=VALUE"),
        ("curl https://h -H x", "no `:`"),
        ("curl https://h -u x", "NAME:PASSWORD"),
        ("curl https://h --digest", "`--digest`: curl computes"),
        ("curl https://h --frobnicate", "the option `--frobnicate` is not known here"),
        ("curl https://h -sQ x", "the option `-Q` is not known here"),
        ("curl https://h --request=POST", "behind a blank"),
        ("curl https://h -X", "`-X` has no value"),
        ("curl https://h -d '' -d a", "versions of curl differ"),
        ("curl https://h -I -d a", "one or the other"),
        ("curl -G https://h -d ''", "leave both out"),
        ("curl ftp://h", "not http:// or https://"),
        ("curl 'https://h/a b'", "has a blank in it"),
        ("curl https://h/é", "beyond ASCII"),
        ("curl 'https://a:b@h/'", "give them with -u"),
        ("curl 'https://h/[1-3]'", "--globoff"),
        ("curl https://h/a/../b", "--path-as-is"),
        ("curl https://h -X 'A B'", "`A B` is no method"),
        ("curl https://h -H 'a;:'", "no header's name"),
        ("curl https://h -H 'a b: c'", "no header's name"),
    ] {
        let got = wrong(text);
        assert!(got.contains(says), "{text}: {got}");
    }
}

#[test]
fn what_curl_guesses_and_contradictions_are_noted() {
    let codes = |text| read(text).notes.iter().map(|note| note.code).collect::<Vec<_>>();
    assert_eq!(codes("curl h/a"), ["url-guessed"]);
    assert_eq!(codes("curl https://h --data-urlencode 'a b'"), ["encoded-by-curl"]);
    assert_eq!(codes("curl https://h -d a -H 'Content-Length: 2'"), ["content-length"]);
    assert_eq!(codes(r"curl https://h -d $'\ud83e\udd80'"), ["surrogates"]);
}
