//! How signatures, keys and bodies are written.

use crate::harness::*;
use countersign::Reason::*;

/// Who compares text takes one digest for two, and remembers only one of them.
#[test]
fn atk_052_uppercase_hex() {
    let sig = sign(b"body");
    let upper = format!("sha256={}", sig.to_uppercase());
    let content = "replay = { key = \"content\" }";
    attack("ATK-052", [github(&upper, b"body")]);
    let lower = github(format!("sha256={sig}"), b"body");
    attack(
        "ATK-052",
        [lower.overrides(content).after(github(upper, b"body").request).expect(Expected::Replayed)],
    );
}

/// A decoder that skips or pads reads many texts as one signature.
#[test]
fn atk_053_odd_length_hex_0x_prefix_embedded_whitespace() {
    let sig = sign(b"body");
    let (start, end) = sig.split_at(16);
    for text in [
        format!("0x{sig}"),
        format!("0X{sig}"),
        sig[..63].to_owned(),
        format!("{start} {end}"),
        format!("{start}\t{end}"),
        format!("{sig}0"),
        format!("{}:{}", &sig[..2], &sig[2..]),
        format!("{sig}="),
        format!("0{sig}"),
    ] {
        attack("ATK-053", [github(format!("sha256={text}"), b"body").refused(MalformedSignature)]);
    }
}

fn base64_case(text: &str) -> Case {
    standard("m", "1700000000", &format!("v1,{text}"))
}

/// Bits that mean nothing make several texts of one signature.
#[test]
fn atk_054_base64_non_canonical_trailing_bits() {
    let good = standard_sig("m", "1700000000");
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = ALPHABET.iter().position(|b| *b == good.as_bytes()[42]).unwrap();
    attack("ATK-054", [base64_case(&good)]);
    for loose in 1..4 {
        let other = format!("{}{}=", &good[..42], char::from(ALPHABET[last | loose]));
        attack("ATK-054", [base64_case(&other).refused(MalformedSignature)]);
        let url = preset(
            "",
            "signed_template = \"{body}\"\nsignature_source = { header = \"x-sig\", encoding = \"base64url\" }",
        );
        let sig = base64_simd::URL_SAFE_NO_PAD.encode_to_string(sha256(KEY, b"{\"a\":1}"));
        let alphabet: Vec<u8> = ALPHABET
            .iter()
            .map(|b| match b {
                b'+' => b'-',
                b'/' => b'_',
                b => *b,
            })
            .collect();
        let last = alphabet.iter().position(|b| *b == sig.as_bytes()[42]).unwrap();
        let sig = format!("{}{}", &sig[..42], char::from(alphabet[last | loose]));
        let sent = Sent { headers: headers([("x-sig", sig)]), ..Sent::default() };
        attack("ATK-054", [Case::new(url, sent).refused(MalformedSignature)]);
    }
}

/// So does padding that may be there or not.
#[test]
fn atk_055_base64_missing_extra_or_interior_padding() {
    let good = standard_sig("m", "1700000000");
    let bare = good.trim_end_matches('=');
    for text in [
        bare,
        &format!("{good}="),
        &format!("{bare}=="),
        "ab==cd==",
        &format!("{}=={}", &good[..2], &good[2..]),
        "=",
        "====",
    ] {
        attack("ATK-055", [base64_case(text).refused(MalformedSignature)]);
    }
}

/// Two alphabets in one text are two spellings of one signature.
#[test]
fn atk_056_url_safe_and_standard_alphabets_mixed() {
    // Some id gives a signature with both letters that differ.
    let id = (0..).map(|n| format!("m{n}")).find(|id| {
        let sig = standard_sig(id, "1700000000");
        sig.contains('+') && sig.contains('/')
    });
    let id = id.unwrap();
    let good = standard_sig(&id, "1700000000");
    let with = |text: String| standard(&id, "1700000000", &format!("v1,{text}"));
    attack(
        "ATK-056",
        [
            with(good.clone()),
            with(good.replace('+', "-")).refused(MalformedSignature),
            with(good.replace('/', "_")).refused(MalformedSignature),
            with(good.replace('+', "-").replace('/', "_")).refused(MalformedSignature),
        ],
    );
}

/// Text wrapped as mail does it is not what was sent.
#[test]
fn atk_057_whitespace_or_line_breaks_in_base64() {
    let good = sign64(b"{\"a\":1}");
    let (start, end) = good.split_at(20);
    let scheme = || {
        preset(
            "",
            "signed_template = \"{body}\"\nsignature_source = { header = \"x-sig\", encoding = \"base64\" }",
        )
    };
    for between in [" ", "\r\n", "\n", "\t", "\r\n ", "%0A"] {
        let sent =
            Sent { headers: headers([("x-sig", format!("{start}{between}{end}"))]), ..Sent::default() };
        attack("ATK-057", [Case::new(scheme(), sent).refused(MalformedSignature)]);
    }
}

/// A key that is read in two ways is two keys, and one of them is short.
#[test]
fn atk_058_hex_string_used_as_key_versus_decoded_bytes() {
    let text = "6b6579";
    let signed = |key: &[u8]| github(format!("sha256={}", hex(&sha256(key, b"body"))), b"body");
    let held = || [key("main", text)];
    let as_hex = "hmac.key.forms = [{ decode = \"hex\" }]";
    attack(
        "ATK-058",
        [
            signed(text.as_bytes()).keys(held()),
            signed(b"key").keys(held()).refused(BadSignature),
            signed(b"key").keys(held()).overrides(as_hex),
            signed(text.as_bytes()).keys(held()).overrides(as_hex).refused(BadSignature),
        ],
    );
}

/// Trying every encoding makes every text two chances.
#[test]
fn atk_059_digest_text_compared_as_text_across_encodings() {
    attack("ATK-059", [github(format!("sha256={}", sign64(b"body")), b"body").refused(MalformedSignature)]);
    let hex = sign([b"m.1700000000.".as_slice(), b"{\"a\":1}"].concat());
    // Sixty-four hex digits are base64 as well, of another length: read as what the preset says, and wrong.
    let case = base64_case(&hex).refused(BadSignature);
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(judge(&verifier, &case.request).err(), Some(BadSignature));
}

/// Two spellings of one letter are two bodies.
#[test]
fn atk_060_unicode_normalisation_of_the_body() {
    let (apart, composed) = ("{\"a\":\"e\u{301}\"}", "{\"a\":\"\u{e9}\"}");
    let sig = github_sig(apart.as_bytes());
    attack(
        "ATK-060",
        [github(&sig, apart.as_bytes()), github(&sig, composed.as_bytes()).refused(BadSignature)],
    );
}

/// A body is bytes; what insists on text loses some.
#[test]
fn atk_061_utf_8_requirement_on_the_body() {
    for body in [&b"\xff\xfe\0"[..], b"\0", b"\xc3\x28", b"\xed\xa0\x80"] {
        attack("ATK-061", [github(github_sig(body), body)]);
    }
    let sig = github_sig("\u{fffd}".as_bytes());
    attack("ATK-061", [github(sig, b"\xff").refused(BadSignature)]);
}

/// `%2B`, `+` and a space are read in as many ways as there are readers.
#[test]
fn atk_062_percent_decoding_of_tokens_in_the_query() {
    let with = |query: &str, token: &str| {
        let url = format!("https://example.com/hook?{query}");
        let headers = headers([("x-sig", sign(format!("{token}:{{\"a\":1}}")))]);
        Case::new(signing("\"{query:token}:{body}\"", ""), Sent { url, headers, ..Sent::default() })
    };
    attack(
        "ATK-062",
        [
            with("token=a+b", "a b"),
            with("token=a%20b", "a b"),
            with("token=a%2Bb", "a+b"),
            with("t%6fken=ab", "ab"),
            with("token=a%zz", "a%zz").refused(MalformedContent),
            with("token=a%", "a%").refused(MalformedContent),
            with("token=a%2", "a%2").refused(MalformedContent),
            with("token=a&token=a", "a").refused(MalformedContent),
            with("token=a&%74oken=b", "a").refused(MalformedContent),
            with("Token=a", "a").refused(MissingHeader),
        ],
    );
}
