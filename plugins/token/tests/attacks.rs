//! Known attacks on tokens, each named after its case in the corpus that `tests/attacks` answers.
#![allow(clippy::unwrap_used)]

use countersign::{Context, Head, Keyring, Registry, Request, Timestamp, Vars};

/// Who trims or lowers one side takes many texts for the token.
#[test]
fn atk_007_secret_compared_trimmed_or_in_another_case() {
    let mut registry = Registry::new();
    let text = "schema = 1\nname = \"acme\"\nmode = \"token\"\n[token]\ntoken_source = { header = \"x-token\" }\n\
        key = { forms = [{ decode = \"text\" }] }";
    registry.register(countersign_token::mode()).unwrap().add_preset("acme.toml", text).unwrap();
    let verifier =
        registry.named("acme").unwrap().verifier("s", &Keyring::of("AbC").unwrap(), &Vars::new()).unwrap();
    let judge = |token: &str| {
        let headers = [("X-Token", token)];
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        verifier.verify(&request, &Context::at(Timestamp::from_unix(0))).code()
    };
    // Optional white space around a field's value is HTTP's, and no part of it.
    assert_eq!([judge("AbC"), judge(" AbC\t")], ["ok", "ok"]);
    for wrong in ["abc", "ABC", "AbC\u{a0}", "AbC,AbC", "AbC AbC", "Ab", "AbCd", "\"AbC\"", "Bearer AbC"] {
        assert_eq!(judge(wrong), "bad_signature", "{wrong:?}");
    }
    assert_eq!(judge("AbC\0"), "malformed_signature");
}
