//! Known attacks on tokens and on their keys, each named after its case in the corpus that `tests/attacks` answers.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{KeyKind, Keyring, Vars, Verifier};
use shared::certificates::{BETWEEN, LEAF, SHAPE, base64, chain, pinned, root};
use shared::*;

fn rs256() -> std::sync::Arc<Verifier> {
    let table = format!("{BEARER}algorithms = [\"RS256\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}");
    verifier(&table, KeyKind::Public, &[public(RSA, "").as_bytes()]).unwrap()
}

fn good(verifier: &Verifier, token: &str) {
    assert_eq!(judge(verifier, token), "ok", "the token is good but for what the test changes");
}

/// Lookup misses that lead to no verification, and words that another reader would take.
#[test]
fn atk_128_unknown_algorithm_maps_to_null_or_none() {
    let verifier = shared("");
    for alg in ["HS257", "HS256 ", "hs256", "HS", "", "HS384", "RS256", "ES256K", "dir", "A256GCM"] {
        let token = mac(&format!("{{\"alg\":\"{alg}\"}}"), claims(""), SECRET.as_bytes());
        assert_eq!(judge(&verifier, &token), "malformed_signature jwt/algorithm", "{alg:?}");
    }
}

#[test]
fn atk_129_alg_none_and_case_variants() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let unsigned = format!("{}.{}.", part(format!("{{\"alg\":\"{alg}\"}}")), part(claims("")));
        assert_eq!(judge(&shared(""), &unsigned), "malformed_signature jwt/algorithm", "{alg}");
        assert_eq!(judge(&rs256(), &unsigned), "malformed_signature jwt/algorithm", "{alg}");
    }
    // Nor is an empty signature one where the algorithm is right.
    let empty = format!("{}.{}.", part(HS256), part(claims("")));
    assert_eq!(judge(&shared(""), &empty), "malformed_signature jwt/signature-length");
    let said = complaints(&format!(
        "{BEARER}algorithms = [\"none\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}"
    ));
    assert!(said.contains("unknown algorithm `none`") && said.contains("proves nothing"), "{said}");
}

#[test]
fn atk_130_hs256_with_the_rsa_public_key_as_secret() {
    let verifier = rs256();
    good(&verifier, &signed(r#"{"alg":"RS256"}"#, claims(""), "RS256", RSA));
    let key = public(RSA, "");
    let set = set(std::slice::from_ref(&key));
    let pem = RSA_PEM;
    for secret in [key.as_str(), &set, pem, pem.trim_end()] {
        assert_eq!(
            judge(&verifier, &mac(HS256, claims(""), secret.as_bytes())),
            "malformed_signature jwt/algorithm"
        );
    }
    // A preset cannot allow both.
    let said = complaints(&format!(
        "{BEARER}algorithms = [\"RS256\", \"HS256\"]\nkey = {{ forms = [{{ decode = \"pem\" }}] }}"
    ));
    assert!(said.contains("mixes shared secrets with public keys"), "{said}");
}

#[test]
fn atk_131_confusion_guards_bypassed_by_encoding() {
    let table = |decode: &str| {
        format!(
            "{BEARER}algorithms = [\"HS256\"]\nshort_secrets = \"accepted\"\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}"
        )
    };
    let der = RSA_PEM.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let refused =
        |decode: &str, secret: &str| verifier(&table(decode), KeyKind::Shared, &[secret.as_bytes()]).is_err();
    for (decode, secret) in [
        ("text", RSA_PEM),
        ("text", &format!(" \n{RSA_PEM}")),
        ("text", RSA_PEM.trim_end()),
        ("text", &public(RSA, "")),
        ("text", &set(&[public(EC, "")])),
        ("text", &der),
        ("base64", &der),
    ] {
        assert!(refused(decode, secret), "{decode}");
    }
    assert!(!refused("text", SECRET));
}

#[test]
fn atk_132_embedded_jwk_trusted() {
    let header = |more: &str| format!("{{\"alg\":\"ES256\"{more}}}");
    let embedded =
        signed(&header(&format!(",\"jwk\":{}", public(OTHER_EC, ""))), claims(""), "ES256", OTHER_EC);
    let table = format!("{BEARER}algorithms = [\"ES256\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}");
    let held = verifier(&table, KeyKind::Public, &[public(EC, "").as_bytes()]).unwrap();
    good(&held, &signed(&header(""), claims(""), "ES256", EC));
    assert_eq!(judge(&held, &embedded), "bad_signature");
    assert_eq!(
        judge_with(&fetched("\"ES256\""), &embedded, b"", &now(set(&[public(EC, "")]))),
        "bad_signature"
    );
}

#[test]
fn atk_133_jku_and_x5u_fetched() {
    let header =
        r#"{"alg":"ES256","kid":"evil","jku":"https://evil.example/jwks","x5u":"https://evil.example/x"}"#;
    let token = signed(header, claims(""), "ES256", OTHER_EC);
    let verifier = fetched("\"ES256\"");
    let held = now(set(&[public(EC, ",\"kid\":\"good\"")]));
    assert_eq!(judge_with(&verifier, &token, b"", &held), "unknown_key jwt/kid-unknown");
    // What is asked of the host is the preset's own set, whatever the token says.
    let nothing = Fetched { name: "https://evil.example/jwks".into(), ..now(set(&[public(OTHER_EC, "")])) };
    assert_eq!(judge_with(&verifier, &token, b"", &nothing), format!("unresolved {SET}"));
}

#[test]
fn atk_134_x5c_chain_in_header_trusted_without_a_pinned_root() {
    let (ours, theirs) = (root(), root());
    let (chain, leaf) = chain(&theirs, LEAF, BETWEEN);
    let verifier = pinned(SHAPE, &[(&ours, None)]);
    assert_eq!(
        judge(&verifier, &certificates::token(&base64(&chain), &leaf)),
        "untrusted_key jwt/chain-untrusted"
    );
    // And a preset that says nothing of `x5c` does not look at it.
    let table = format!("{BEARER}algorithms = [\"ES256\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}");
    let held =
        shared::verifier(&table, KeyKind::Public, &[shared::public(shared::EC, "").as_bytes()]).unwrap();
    assert_eq!(judge(&held, &certificates::token(&base64(&chain), &leaf)), "bad_signature");
}

#[test]
fn atk_135_kid_path_traversal_or_injection() {
    let judge = |kid: &str| {
        let token = signed(&format!("{{\"alg\":\"ES256\",\"kid\":\"{kid}\"}}"), claims(""), "ES256", EC);
        judge_with(&fetched("\"ES256\""), &token, b"", &now(set(&[public(EC, ",\"kid\":\"k1\"")])))
    };
    assert_eq!(judge("k1"), "ok");
    for kid in ["../../dev/null", "' OR 1=1--", "k1 ", "K1", "k1/", "$(id)", "%00"] {
        assert_eq!(judge(kid), "unknown_key jwt/kid-unknown", "{kid}");
    }
    for kid in [&"k".repeat(257), "k\\u0000", "k\\n", "\u{e9}"] {
        assert_eq!(judge(kid), "malformed_signature jwt/kid-shape");
    }
    assert_eq!(judge(&"k".repeat(64 * 1024)), "malformed_signature jwt/header");
    // Where the name of what is fetched holds the kid, only one that could be configured is asked for.
    let table = format!(
        "{BEARER}algorithms = [\"ES256\"]\njwks = {{ name = \"acme/{{claim:kid}}\", pointer = \"/key\" }}"
    );
    let by_name = verifier(&table, KeyKind::Public, &[]).unwrap();
    for (kid, told) in [
        ("k1", "ok"),
        ("k2", "unresolved acme/k2"),
        ("../acme/k1", "unknown_key remote/name-not-allowed"),
        ("a b", "unknown_key remote/name-not-allowed"),
    ] {
        let token = signed(&format!("{{\"alg\":\"ES256\",\"kid\":\"{kid}\"}}"), claims(""), "ES256", EC);
        let held = Fetched {
            name: "acme/k1".into(),
            ..now(format!("{{\"key\":{}}}", public(EC, ",\"kid\":\"k1\"")))
        };
        assert_eq!(judge_with(&by_name, &token, b"", &held), told, "{kid}");
    }
}

#[test]
fn atk_136_missing_kid_tries_every_key() {
    let token = signed(r#"{"alg":"ES256"}"#, claims(""), "ES256", EC);
    let (ours, others) = (public(EC, ",\"kid\":\"a\""), public(OTHER_EC, ",\"kid\":\"b\""));
    let judge = |keys: &[String]| judge_with(&fetched("\"ES256\""), &token, b"", &now(set(keys)));
    assert_eq!(judge(std::slice::from_ref(&ours)), "ok");
    assert_eq!(judge(&[ours.clone(), public(RSA, "")]), "ok", "a key of another sort is no choice");
    assert_eq!(judge(&[ours, others]), "unknown_key jwt/kid-missing");
}

#[test]
fn atk_138_b64_false_payload_confusion() {
    for header in [
        r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":true,"crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","crit":["b64"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
    ] {
        let told = judge(&shared(""), &mac(header, claims(""), SECRET.as_bytes()));
        assert!(
            ["malformed_signature jwt/critical", "malformed_signature jwt/unencoded"].contains(&&*told),
            "{told}"
        );
    }
}

#[test]
fn atk_139_duplicate_header_or_claim_names() {
    let verifier = shared("");
    for header in [
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","a\u006cg":"none"}"#,
    ] {
        assert_eq!(
            judge(&verifier, &mac(header, claims(""), SECRET.as_bytes())),
            "malformed_signature jwt/header"
        );
    }
    let expiry = format!(",\"exp\":{}", NOW + 9000);
    for more in [expiry.as_str(), ",\"x\":{\"y\":1,\"y\":2}", ",\"\\u0065xp\":4102444800"] {
        assert_eq!(
            judge(&verifier, &mac(HS256, claims(more), SECRET.as_bytes())),
            "malformed_signature jwt/claims",
            "{more}"
        );
    }
}

#[test]
fn atk_141_exp_aud_or_iss_missing() {
    let verifier = shared("audience = \"me\"\nissuer = \"acme\"\nsubject = \"s\"");
    let all = [
        ("exp", (NOW + 9).to_string()),
        ("iat", NOW.to_string()),
        ("iss", "\"acme\"".into()),
        ("aud", "\"me\"".into()),
        ("sub", "\"s\"".into()),
    ];
    let token = |without: &str, null: bool| {
        let members: Vec<String> = all
            .iter()
            .filter(|(name, _)| null || *name != without)
            .map(|(name, value)| format!("\"{name}\":{}", if *name == without { "null" } else { value }))
            .collect();
        mac(HS256, format!("{{{}}}", members.join(",")), SECRET.as_bytes())
    };
    good(&verifier, &token("", false));
    for (name, _) in &all {
        for null in [false, true] {
            assert_eq!(judge(&verifier, &token(name, null)), "claim_mismatch jwt/claim-missing", "{name}");
        }
    }
}

#[test]
fn atk_142_aud_accepted_in_wrong_shape() {
    let (any, single) =
        (shared("audience = \"me\""), shared("audience = [\"me\", \"also\"]\nsingle_audience = true"));
    for (aud, in_any, in_single) in [
        ("\"me\"", true, true),
        ("[\"me\"]", true, true),
        ("[\"me\",\"other\"]", true, false),
        ("[\"also\"]", false, true),
        ("[]", false, false),
        ("\"\"", false, false),
        ("\"https://me.evil\"", false, false),
        ("\"me2\"", false, false),
        ("\"ME\"", false, false),
        ("{}", false, false),
        ("{\"0\":\"me\"}", false, false),
        ("5", false, false),
        ("[[\"me\"]]", false, false),
        ("[\"me\",5]", false, false),
        ("[\"me\",null]", false, false),
    ] {
        let token = mac(HS256, claims(&format!(",\"aud\":{aud}")), SECRET.as_bytes());
        for (verifier, ok) in [(&any, in_any), (&single, in_single)] {
            let told = judge(verifier, &token);
            assert_eq!(told, if ok { "ok" } else { "claim_mismatch jwt/audience" }, "{aud}");
        }
    }
}

#[test]
fn atk_143_iss_suffix_or_prefix_match() {
    let verifier = shared("issuer = \"https://accounts.google.com\"");
    let told =
        |iss: &str| judge(&verifier, &mac(HS256, claims(&format!(",\"iss\":{iss}")), SECRET.as_bytes()));
    assert_eq!(told("\"https://accounts.google.com\""), "ok");
    for iss in [
        "\"https://accounts.google.com.evil\"",
        "\"https://accounts.google.com/\"",
        "\"https://accounts.google.co\"",
        "\"HTTPS://accounts.google.com\"",
        "[\"https://accounts.google.com\"]",
        "1",
    ] {
        assert_eq!(told(iss), "claim_mismatch jwt/issuer", "{iss}");
    }
}

#[test]
fn atk_144_nbf_and_iat_in_the_future() {
    let token = |claims: String| mac(HS256, claims, SECRET.as_bytes());
    let later = NOW + 3600;
    let exp = later + 300;
    // Where `iat` is the signed time, the core says so; where it is not required, the mode.
    let ahead = token(format!("{{\"iat\":{later},\"exp\":{exp}}}"));
    assert_eq!(judge(&shared(""), &ahead), "future_timestamp core/future");
    let expiring = shared("required_claims = [\"exp\"]");
    assert_eq!(judge(&expiring, &ahead), "future_timestamp jwt/not-yet");
    assert_eq!(
        judge(&expiring, &token(format!("{{\"nbf\":{},\"exp\":{exp}}}", NOW + 1))),
        "future_timestamp jwt/not-yet"
    );
    assert_eq!(judge(&expiring, &token(format!("{{\"nbf\":{NOW},\"exp\":{exp}}}"))), "ok");
    // The year 2999, and a time that is none.
    assert_eq!(
        judge(&expiring, &token(format!("{{\"iat\":32472144000,\"exp\":{exp}}}"))),
        "future_timestamp jwt/not-yet"
    );
    assert_eq!(
        judge(&expiring, &token(format!("{{\"iat\":1e99,\"exp\":{exp}}}"))),
        "malformed_timestamp jwt/time"
    );
}

/// The age of a signed time is the core's to judge, and an operator may ask for no judgement. When a token begins is not its age.
#[test]
fn atk_144_a_token_before_its_nbf_is_refused_whatever_the_freshness() {
    let table = format!(
        "{BEARER}algorithms = [\"HS256\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}\nrequired_claims = [\"nbf\"]\ntime = \"nbf\""
    );
    let early = mac(HS256, format!("{{\"nbf\":{}}}", NOW + 60), SECRET.as_bytes());
    let begun = mac(HS256, format!("{{\"nbf\":{NOW}}}"), SECRET.as_bytes());
    for freshness in ["", "[freshness]\ntolerance_seconds = \"none\"", "[freshness]\nfuture_seconds = 3600"] {
        let registry = registry(freshness, &table);
        let compiled = registry.named("acme").unwrap();
        let verifier = compiled.verifier("t", &Keyring::of(SECRET).unwrap(), &Vars::new()).unwrap();
        assert_eq!(judge(&verifier, &begun), "ok", "{freshness}");
        assert_eq!(judge(&verifier, &early), "future_timestamp jwt/not-yet", "{freshness}");
    }
}

#[test]
fn atk_145_hidden_default_leeway() {
    let token = |exp: i64| mac(HS256, format!("{{\"exp\":{exp},\"iat\":{}}}", NOW - 100), SECRET.as_bytes());
    let expired = "stale_timestamp jwt/expired";
    for (leeway, exp, told) in [
        (0, NOW - 50, expired),
        (0, NOW, expired),
        (0, NOW + 1, "ok"),
        (30, NOW - 29, "ok"),
        (30, NOW - 30, expired),
    ] {
        let verifier = shared(&format!("leeway_seconds = {leeway}"));
        assert_eq!(judge(&verifier, &token(exp)), told, "{leeway} {exp}");
    }
    let said = complaints(&format!(
        "{BEARER}algorithms = [\"HS256\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}\nleeway_seconds = 301"
    ));
    assert!(said.contains("from 0 to 300"), "{said}");
}

#[test]
fn atk_146_typ_confusion() {
    let pinned = shared("type = \"JWT\"");
    let told = |typ: &str| {
        judge(&pinned, &mac(&format!("{{\"alg\":\"HS256\"{typ}}}"), claims(""), SECRET.as_bytes()))
    };
    for typ in ["JWT", "jwt", "application/jwt"] {
        assert_eq!(told(&format!(",\"typ\":\"{typ}\"")), "ok", "{typ}");
    }
    for typ in [
        "",
        ",\"typ\":\"secevent+jwt\"",
        ",\"typ\":\"at+jwt\"",
        ",\"typ\":\"logout+jwt\"",
        ",\"typ\":\"\"",
        ",\"typ\":\"JWT \"",
    ] {
        assert_eq!(told(typ), "claim_mismatch jwt/type", "{typ}");
    }
}

#[test]
fn atk_147_five_part_jwe_or_nested_jws() {
    let verifier = shared("");
    assert_eq!(judge(&verifier, "a.b.c.d.e"), "malformed_signature jwt/segments");
    assert_eq!(judge(&verifier, "a.b"), "malformed_signature jwt/segments");
    let inner = mac(HS256, claims(""), SECRET.as_bytes());
    let nested = mac(r#"{"alg":"HS256","cty":"JWT"}"#, &inner, SECRET.as_bytes());
    assert_eq!(judge(&verifier, &nested), "malformed_signature jwt/claims");
    // The JSON serialisation is another form, and not this mode's.
    let json = format!("{{\"payload\":\"{}\",\"signatures\":[]}}", part(claims("")));
    assert_eq!(judge(&verifier, &json), "malformed_signature signature/shape");
}

#[test]
fn atk_148_body_hash_claim_not_compared() {
    let verifier = shared("require = [{ value = \"{claim:sha256}\", equals = \"{body|sha256|hex}\" }]");
    // Of the empty object.
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let token = mac(HS256, claims(&format!(",\"sha256\":\"{hash}\"")), SECRET.as_bytes());
    good(&verifier, &token);
    let nothing = now(String::new());
    assert_eq!(judge_with(&verifier, &token, b"{} ", &nothing), "claim_mismatch require/claim");
    assert_eq!(judge_with(&verifier, &token, b"", &nothing), "claim_mismatch require/claim");
    for more in ["", ",\"sha256\":null", ",\"sha256\":\"\"", ",\"sha256\":[\"44136f\"]"] {
        let told = judge(&verifier, &mac(HS256, claims(more), SECRET.as_bytes()));
        assert_eq!(told, "claim_mismatch require/claim", "{more}");
    }
}

#[test]
fn atk_149_token_in_authorization_with_other_scheme() {
    use countersign::{Context, Head, Request, Timestamp};
    let verifier = shared("");
    let token = mac(HS256, claims(""), SECRET.as_bytes());
    let told = |values: &[String]| {
        let headers: Vec<(&str, &str)> =
            values.iter().map(|value| ("authorization", value.as_str())).collect();
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))))
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    let with = |before: &str, after: &str| format!("{before}{token}{after}");
    for good in ["Bearer ", "bearer ", "BEARER "] {
        assert_eq!(told(&[with(good, "")]), "ok", "{good}");
    }
    for bad in [
        with("", ""),
        with("Basic ", ""),
        with("Bearer", ""),
        with("Bearer ", &format!(", Bearer {token}")),
        with("Bearer ", &format!(" {token}")),
        with("Bearer \"", "\""),
        with("JWT ", ""),
    ] {
        assert_eq!(told(&[bad]), "malformed_signature");
    }
    assert_eq!(told(&[with("Bearer ", ""), with("Bearer ", "")]), "malformed_signature");
    assert_eq!(told(&[]), "missing_signature");
}

#[test]
fn atk_150_short_hmac_secrets() {
    let bind = |alg: &str, more: &str, secret: &str| {
        let table = format!(
            "{BEARER}algorithms = [\"{alg}\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}\n{more}"
        );
        verifier(&table, KeyKind::Shared, &[secret.as_bytes()])
    };
    for (alg, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        assert!(
            bind(alg, "", &SECRET[..least]).is_ok() && bind(alg, "", &SECRET[..least - 1]).is_err(),
            "{alg}"
        );
    }
    assert!(bind("HS256", "", "secret").is_err());
    // Spelled, it is taken, and is the very secret: HMAC fills it up with zeros itself.
    let weak = bind("HS256", "short_secrets = \"accepted\"", "secret").unwrap();
    good(&weak, &mac(HS256, claims(""), b"secret"));
    assert_eq!(judge(&weak, &mac(HS256, claims(""), b"secret2")), "bad_signature");
    assert!(bind("HS256", "short_secrets = \"accepted\"", "").is_err());
}

#[test]
fn atk_151_curve_or_key_size_mismatch() {
    let token = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    for key in [
        public(P521, ",\"kid\":\"k\""),
        public(RSA, ",\"kid\":\"k\""),
        public(ED, ",\"kid\":\"k\""),
        public(EC, ",\"kid\":\"k\",\"alg\":\"ES384\""),
    ] {
        let told = judge_with(&fetched("\"ES256\", \"ES384\", \"RS256\""), &token, b"", &now(set(&[key])));
        assert!(told.starts_with("unknown_key"), "{told}");
    }
    // An RSA key of 1024 bits, and held keys of another sort.
    let small = format!("{{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"{}\",\"e\":\"AQAB\"}}", part([0xa5; 128]));
    let rsa = signed(r#"{"alg":"RS256","kid":"k"}"#, claims(""), "RS256", RSA);
    let told = judge_with(&fetched("\"RS256\""), &rsa, b"", &now(set(&[small])));
    assert!(told.starts_with("unknown_key"), "{told}");
    let table =
        format!("{BEARER}algorithms = [\"ES256\", \"RS256\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}");
    let held = verifier(&table, KeyKind::Public, &[public(RSA, "").as_bytes()]).unwrap();
    assert_eq!(judge(&held, &token), "unknown_key jwt/key-unfit");
    assert!(verifier(&table, KeyKind::Public, &[public(P521, "").as_bytes()]).is_err());
}

#[test]
fn atk_152_ecdsa_signature_in_der_where_raw_is_required() {
    let table = format!("{BEARER}algorithms = [\"ES256\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}");
    let held = verifier(&table, KeyKind::Public, &[public(EC, "").as_bytes()]).unwrap();
    let token = signed(r#"{"alg":"ES256"}"#, claims(""), "ES256", EC);
    good(&held, &token);
    let (content, signature) = token.rsplit_once('.').unwrap();
    let raw = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
    let integer = |half: &[u8]| {
        let half = half.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let half = if half[0] & 0x80 != 0 { [&[0], &half[..]].concat() } else { half };
        [&[2, half.len() as u8], &half[..]].concat()
    };
    let inner = [integer(&raw[..32]), integer(&raw[32..])].concat();
    let der = [&[0x30, inner.len() as u8], &inner[..]].concat();
    assert_eq!(judge(&held, &format!("{content}.{}", part(der))), "malformed_signature jwt/signature-length");
}

#[test]
fn atk_153_whitespace_or_line_break_in_the_compact_form() {
    use countersign::{Context, Head, Request, Timestamp};
    let table =
        "token_source = { body = true }\nalgorithms = [\"HS256\"]\nkey = { forms = [{ decode = \"text\" }] }";
    let verifier = verifier(table, KeyKind::Shared, &[SECRET.as_bytes()]).unwrap();
    let token = mac(HS256, claims(""), SECRET.as_bytes());
    let told = |body: &str| {
        let request = Request::new(Head::new("POST", "https://example.com/", &()), body.as_bytes());
        told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))))
    };
    assert_eq!(told(&token), "ok");
    for body in [
        format!("{token}\n"),
        format!(" {token}"),
        token.replace('.', ". "),
        token.replace('.', ".\n"),
        format!("{token}="),
        format!("{token}\0"),
        format!("\"{token}\""),
    ] {
        assert_eq!(told(&body), "malformed_signature jwt/base64url", "{body:?}");
    }
}

#[test]
fn atk_154_claims_set_is_not_an_object_or_has_a_bom() {
    for payload in ["[]", "\"x\"", "1", "null", "", "{", "\u{feff}{}", "{}{}", "{\"a\":\"\\ud800\"}"] {
        let told = judge(&shared("required_claims = []"), &mac(HS256, payload, SECRET.as_bytes()));
        assert_eq!(told, "malformed_signature jwt/claims", "{payload:?}");
    }
    assert_eq!(judge(&shared("required_claims = []"), &mac(HS256, "{}", SECRET.as_bytes())), "ok");
}

#[test]
fn atk_159_use_key_ops_and_alg_ignored() {
    let token = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    let told = |more: &str| {
        let key = public(EC, &format!(",\"kid\":\"k\"{more}"));
        judge_with(&fetched("\"ES256\""), &token, b"", &now(set(&[key])))
    };
    for more in ["", ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\""] {
        assert_eq!(told(more), "ok", "{more}");
    }
    for more in [
        ",\"use\":\"enc\"",
        ",\"key_ops\":[\"encrypt\"]",
        ",\"key_ops\":[]",
        ",\"alg\":\"ES512\"",
        ",\"alg\":\"ECDH-ES\"",
    ] {
        assert!(told(more).starts_with("unknown_key"), "{more}: {}", told(more));
    }
}

#[test]
fn atk_160_duplicate_kid_in_a_set() {
    let verifier = fetched("\"ES256\", \"RS256\"");
    let keys =
        [public(RSA, ",\"kid\":\"a\""), public(EC, ",\"kid\":\"a\""), public(OTHER_EC, ",\"kid\":\"a\"")];
    let held = now(set(&keys));
    for (alg, key) in [("ES256", EC), ("ES256", OTHER_EC), ("RS256", RSA)] {
        let token = signed(&format!("{{\"alg\":\"{alg}\",\"kid\":\"a\"}}"), claims(""), alg, key);
        assert_eq!(judge_with(&verifier, &token, b"", &held), "ok", "{alg}");
    }
    let only = now(set(&keys[..1]));
    let token = signed(r#"{"alg":"ES256","kid":"a"}"#, claims(""), "ES256", EC);
    assert_eq!(judge_with(&verifier, &token, b"", &only), "unknown_key jwt/key-unfit");
}

/// The public half of the key of RFC 7520.
const RSA_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAn4EPtAOCc9AlkeQHPzHS
tgAbgs7bTZLwUBZdR8/KuKPEHLd4rHVTeT+O+XV2jRojdNhxJWTDvNd7nqQ0VEiZ
QHz/AJmSCpMaJMRBSFKrKb2wqVwGU/NsYOYL+QtiWN2lbzcEe6XC0dApr5ydQLrH
qkHHig3RBordaZ6Aj+oBHqFEHYpPe7Tpe+OfVfHd1E6cS6M1FZcD1NNLYD5lFHpP
I9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3+tVTU4fg/3L/vniUFAKw
uCLqKnS2BYwdq/mzSnbLY7h/qixoR7jig3//kRhuaxwUkRz5iaiQkqgc5gHdrNP5
zwIDAQAB
-----END PUBLIC KEY-----
";
