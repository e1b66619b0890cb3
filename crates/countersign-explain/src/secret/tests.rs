#![allow(clippy::unwrap_used)]
use super::*;
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use countersign::{KeyId, Secret};
use proptest::prelude::*;

const S: &str = "s3cret-Of_some+Length/";

fn of(kind: KeyKind, stored: &[u8], forms: &[(&str, &str)]) -> Vec<Variant> {
    let mut ring = Keyring::new();
    ring.add(Key::new(KeyId::new("k"), kind, Secret::new(stored).unwrap())).unwrap();
    let form = |(prefix, decode): &(&str, &str)| Form { prefix: (*prefix).into(), decode: (*decode).into() };
    variants(&ring, &forms.iter().map(form).collect::<Vec<_>>(), &["whsec_".to_owned()])
}

/// What a secret was taken back to, and what that is called.
fn code(variants: &[Variant], meant: &[u8]) -> Option<&'static str> {
    let found = variants.iter().find(|variant| **variant.bytes == *meant)?;
    Some(found.deviation.as_ref().map_or("", |deviation| deviation.code))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn what_was_done_to_a_text_is_undone() {
    let table: &[(Vec<u8>, &str, &str)] = &[
        (S.into(), S, ""),
        (format!("{S}\n").into(), S, "secret/trailing-newline"),
        (format!("{S}\r\n").into(), S, "secret/trailing-newline"),
        (format!("{S}\r").into(), S, "secret/trailing-newline"),
        (format!("  {S}\t").into(), S, "secret/white-space"),
        (format!("{S}\u{2003}").into(), S, "secret/white-space"),
        ("abcd efgh\nijkl".into(), "abcdefghijkl", "secret/white-space"),
        (format!("\"{S}\"").into(), S, "secret/quotes"),
        (format!("'{S}'\n").into(), S, "secret/quotes"),
        (format!("`{S}`").into(), S, "secret/quotes"),
        (format!("\"{S}\n\"").into(), S, "secret/quotes"),
        (format!("{S}\",").into(), S, "secret/quotes"),
        (format!("'{S}").into(), S, "secret/quotes"),
        (format!("{S}\\n").into(), S, "secret/escapes"),
        (format!("{S}\\r\\n").into(), S, "secret/escapes"),
        ("line\\nline".into(), "line\nline", "secret/escapes"),
        ("ab%2Bcd%2f".into(), "ab+cd/", "secret/escapes"),
        ("ab+cd%2f".into(), "ab cd/", "secret/escapes"),
        ("ab cd".into(), "ab+cd", "secret/escapes"),
        ("ab\\u0026cd".into(), "ab&cd", "secret/escapes"),
        ("ab&amp;cd&#39;".into(), "ab&cd'", "secret/escapes"),
        (format!("\u{feff}{S}").into(), S, "secret/byte-order-mark"),
        ("s3cret-\u{200b}Of_some+Length/\u{200d}".into(), S, "secret/invisible"),
        (format!("WEBHOOK_SECRET={S}").into(), S, "secret/assignment"),
        (format!("Bearer {S}").into(), S, "secret/scheme-word"),
        (format!("v1,whsec_{S}").into(), "whsec_s3cret-Of_some+Length/", "secret/label"),
        (format!("{S}{S}").into(), S, "secret/twice"),
        ("ab-_".into(), "ab+/", "secret/alphabet"),
        ("ab-_c".into(), "ab+/c===", "secret/alphabet"),
        ("ab+/".into(), "ab-_", "secret/alphabet"),
        ("ab+/c==".into(), "ab-_c", "secret/alphabet"),
        (S.into(), "whsec_s3cret-Of_some+Length/", "secret/prefix-lost"),
        (format!("whsec_whsec_{S}").into(), "whsec_s3cret-Of_some+Length/", "secret/prefix-twice"),
        ("abcdef".into(), "ABCDEF", "secret/upper-case"),
        ("ABCDEF".into(), "abcdef", "secret/lower-case"),
        (utf16(S), S, "secret/utf-16"),
        (S.into(), "s3cret-Of_some+Length/\n", "secret/trimmed"),
        (S.into(), "s3cret-Of_some+Length/ ", "secret/trimmed"),
        (S.into(), " s3cret-Of_some+Length/", "secret/trimmed"),
    ];
    for (stored, meant, wanted) in table {
        let variants = of(KeyKind::Shared, stored, &[("", "text")]);
        let shown = String::from_utf8_lossy(stored);
        assert_eq!(code(&variants, meant.as_bytes()), Some(*wanted), "{shown:?}");
    }
}

#[test]
fn a_text_is_read_as_every_spelling() {
    let key = [7, 250, 0, 99, 200, 201, 202, 203, 204, 205];
    let (hex, base64) = (const_hex::encode(key), STANDARD.encode_to_string(key));
    let prefixed = format!("whsec_{base64}");
    /// Stored, the preset's spellings, what was meant, code.
    type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], &'r [u8], &'r str);
    let table: &[Row<'_>] = &[
        (&hex, &[("", "text")], &key, "secret/decoded"),
        (&base64, &[("", "text")], &key, "secret/decoded"),
        (&URL_SAFE_NO_PAD.encode_to_string(key), &[("", "text")], &key, "secret/decoded"),
        (&hex, &[("", "hex")], hex.as_bytes(), "secret/not-decoded"),
        (&base64, &[("", "base64")], base64.as_bytes(), "secret/not-decoded"),
        (base64.trim_end_matches('='), &[("", "base64")], &key, ""),
        (&prefixed, &[("", "text")], &key, "secret/prefix"),
        (&prefixed, &[("whsec_", "base64")], &key, ""),
        (&prefixed, &[("whsec_", "base64")], base64.as_bytes(), "secret/prefix"),
        (&base64, &[("whsec_", "base64")], &key, "secret/prefix-lost"),
        (&STANDARD.encode_to_string(&prefixed), &[("whsec_", "base64")], &key, "secret/encoded-once-more"),
        (
            &const_hex::encode(format!("{prefixed}\n")),
            &[("whsec_", "base64")],
            &key,
            "secret/encoded-once-more",
        ),
    ];
    for (stored, forms, meant, wanted) in table {
        assert_eq!(
            code(&of(KeyKind::Shared, stored.as_bytes(), forms), meant),
            Some(*wanted),
            "{stored} {forms:?}"
        );
    }
}

#[test]
fn the_sender_may_have_made_another_key_of_it() {
    use sha2::Digest;
    let table: [(Vec<u8>, &str); 6] = [
        (utf16(S), "secret/utf-16"),
        (STANDARD.encode_to_string(S).into(), "secret/encoded"),
        (const_hex::encode(S).into(), "secret/encoded"),
        (sha2::Sha256::digest(S).to_vec(), "secret/hashed"),
        (const_hex::encode(sha2::Sha256::digest(S)).into(), "secret/hashed"),
        (b"undefined".into(), "secret/unset"),
    ];
    let variants = of(KeyKind::Shared, S.as_bytes(), &[("", "text")]);
    for (meant, wanted) in table {
        assert_eq!(code(&variants, &meant), Some(wanted));
    }
    let variants = of(KeyKind::Shared, "gehÃ©im".as_bytes(), &[("", "text")]);
    assert_eq!(code(&variants, "gehéim".as_bytes()), Some("secret/latin-1"));
}

#[test]
fn a_public_key_is_read_from_every_container() {
    let raw = [9; 32];
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &raw].concat();
    let base64 = STANDARD.encode_to_string(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let table: &[(&str, &[u8], &str)] = &[
        (&const_hex::encode(raw), pem.as_bytes(), "secret/container"),
        (&const_hex::encode(raw), &raw, "secret/container"),
        (&STANDARD.encode_to_string(raw), &raw, "secret/container"),
        (&base64, pem.as_bytes(), "secret/container"),
        (&base64, &raw, "secret/container"),
        (&pem, &raw, "secret/container"),
        (&pem.replace('\n', " "), pem.as_bytes(), "secret/pem-lines"),
        (&pem.replace('\n', "\\n"), pem.as_bytes(), "secret/pem-lines"),
        (&pem.replace('\n', ""), pem.as_bytes(), "secret/pem-lines"),
    ];
    for (stored, meant, wanted) in table {
        assert_eq!(code(&of(KeyKind::Public, stored.as_bytes(), &[]), meant), Some(*wanted), "{stored:?}");
    }
}

#[test]
fn what_is_no_secret_is_known_by_its_shape() {
    let told = |text: &str| {
        let key = Key::new(KeyId::new("k"), KeyKind::Shared, Secret::new(text.as_bytes()).unwrap());
        shapes(&key).map(|deviation| deviation.code)
    };
    let wrong = [
        "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "https://example.com/hook",
        "WEBHOOK_SECRET",
        "<your secret here>",
        "{{ secret }}",
        "xxxxxxxxxxxxxxxx",
        "••••••••",
    ];
    for text in wrong {
        assert_eq!(told(text), Some("secret/wrong-kind"), "{text}");
    }
    for text in [S, "whsec_AAAA", "DEADBEEF01234567", "a_b_c_d_e_f"] {
        assert_eq!(told(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_key_is_tried_twice_and_the_one_as_configured_is_first(stored in prop::collection::vec(any::<u8>(), 1..60)) {
        let forms: &[&[(&str, &str)]] = &[&[], &[("", "text")], &[("whsec_", "base64"), ("", "hex")]];
        for (kind, forms) in [KeyKind::Shared, KeyKind::Public].into_iter().flat_map(|kind| forms.iter().map(move |forms| (kind, *forms))) {
            let Ok(material) = Secret::new(&stored[..]) else { continue };
            let mut ring = Keyring::new();
            ring.add(Key::new(KeyId::new("k"), kind, material)).unwrap();
            let variants = of(kind, &stored, forms);
            let mut bytes: Vec<&[u8]> = variants.iter().map(|variant| &variant.bytes[..]).collect();
            prop_assert!(variants.iter().skip(1).all(|variant| variant.deviation.is_some()));
            prop_assert!(forms != [("", "text")] || bytes[0] == &stored[..]);
            bytes.sort_unstable();
            prop_assert!(bytes.windows(2).all(|two| two[0] != two[1]));
        }
    }
}
