//! The examples of the RFCs, byte by byte. Those whose payload is no object stand beside their content.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Context, Head, KeyKind, Request, Timestamp};
use shared::{EC, ED, P521, RSA, public, told, verifier};

/// The payload of RFC 7515, A.1 to A.3.
const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// The key of RFC 7515, A.1, and of RFC 7797.
const SHARED: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

/// The payload of RFC 7520, section 4.
const FRODO: &str = "It\u{2019}s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your feet, there\u{2019}s no knowing where you might be swept off to.";

const A2_MODULUS: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;

/// The P-521 key of RFC 7520.
const BILBO: &str = r#"{"kty":"EC","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}"#;

/// Judges a token in a header `t`.
fn judge(table: &str, keys: (KeyKind, &str), token: &str, (body, now): (&str, i64)) -> String {
    let decode = if keys.0 == KeyKind::Shared { "base64url" } else { "jwk" };
    let table = format!(
        "token_source = {{ header = \"t\" }}\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}\n{table}"
    );
    let verifier = verifier(&table, keys.0, &[keys.1.as_bytes()]).unwrap();
    let headers = [("t", token)];
    let request = Request::new(Head::new("POST", "https://example.com/", &headers), body.as_bytes());
    told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(now))))
}

#[test]
fn tokens_of_rfc_7515_verify_until_they_expire() {
    let cases = [
        (
            "HS256",
            (KeyKind::Shared, SHARED.to_owned()),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            "RS256",
            (KeyKind::Public, A2_MODULUS.to_owned()),
            "eyJhbGciOiJSUzI1NiJ9",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            "ES256",
            (KeyKind::Public, public(EC, "")),
            "eyJhbGciOiJFUzI1NiJ9",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
    ];
    for (alg, (kind, key), header, signature) in cases {
        let table =
            format!("algorithms = [\"{alg}\"]\nrequired_claims = [\"exp\", \"iss\"]\nissuer = \"joe\"");
        let token = format!("{header}.{JOE}.{signature}");
        assert_eq!(judge(&table, (kind, &key), &token, ("", 1_300_819_379)), "ok", "{alg}");
        assert_eq!(
            judge(&table, (kind, &key), &token, ("", 1_300_819_380)),
            "stale_timestamp jwt/expired",
            "{alg}"
        );
    }
}

#[test]
fn detached_examples_verify_over_their_content_and_no_other() {
    let bilbo =
        |alg: &str| shared::part(format!("{{\"alg\":\"{alg}\",\"kid\":\"bilbo.baggins@hobbiton.example\"}}"));
    let hs256 = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9".to_owned();
    let (private, shared) = (KeyKind::Public, KeyKind::Shared);
    let cases = [
        // RFC 7515, A.4, and RFC 8037, A.4.
        (
            "ES512",
            private,
            public(P521, ""),
            "Payload",
            "eyJhbGciOiJFUzUxMiJ9".into(),
            "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        ),
        (
            "EdDSA",
            private,
            public(ED, ""),
            "Example of Ed25519 signing",
            "eyJhbGciOiJFZERTQSJ9".into(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
        // RFC 7520, 4.1 to 4.5.
        (
            "RS256",
            private,
            public(RSA, ""),
            FRODO,
            bilbo("RS256"),
            "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        ),
        (
            "PS384",
            private,
            public(RSA, ""),
            FRODO,
            bilbo("PS384"),
            "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
        ),
        (
            "ES512",
            private,
            BILBO.into(),
            FRODO,
            bilbo("ES512"),
            "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
        ),
        (
            "HS256",
            shared,
            "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg".into(),
            FRODO,
            hs256,
            "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        ),
    ];
    for (alg, kind, key, payload, header, signature) in cases {
        let table = format!("algorithms = [\"{alg}\"]\npayload = \"{{body}}\"");
        let token = format!("{header}..{signature}");
        assert_eq!(judge(&table, (kind, &key), &token, (payload, 0)), "ok", "{alg}");
        assert_eq!(
            judge(&table, (kind, &key), &token, (&format!("{payload}."), 0)),
            "bad_signature",
            "{alg}"
        );
        // The same token with its payload in it is one that a reader of claims refuses: the payload is no object.
        let attached = format!("{header}.{}.{signature}", shared::part(payload));
        let table = format!("algorithms = [\"{alg}\"]\nrequired_claims = []");
        assert_eq!(
            judge(&table, (kind, &key), &attached, ("", 0)),
            "malformed_signature jwt/claims",
            "{alg}"
        );
    }
}

#[test]
fn the_unencoded_payload_of_rfc_7797_verifies_where_the_preset_says_so() {
    let token = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";
    let detached = "algorithms = [\"HS256\"]\npayload = \"{body}\"\n";
    let unencoded = format!("{detached}payload_encoding = \"none\"");
    let key = (KeyKind::Shared, SHARED);
    assert_eq!(judge(&unencoded, key, token, ("$.02", 0)), "ok");
    assert_eq!(judge(&unencoded, key, token, ("$.03", 0)), "bad_signature");
    assert_eq!(judge(detached, key, token, ("$.02", 0)), "malformed_signature jwt/critical");
}
