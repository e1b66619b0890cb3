//! What the corpus does not know: attacks on this engine's own grammar, each tried because of how it is built.

use crate::harness::*;
use countersign::Reason::*;
use countersign::{Binds, Layer, Registry};
use ed25519_dalek::{Signer, SigningKey};

fn verified(case: Case) {
    run(&case, "genuine");
}

/// Several signatures, each with its own fields: what is required must hold of the one that is good, not of another.
#[test]
fn what_is_required_of_a_signature_is_required_of_the_one_that_matched() {
    let table = "signed_template = \"{sig:env}.{body}\"\n\
        signature_source = { header = \"x-sig\", list = \" \", extract = \"regex\", \
        pattern = '(?<env>[a-z]+):(?<signature>[0-9a-f]{64})', encoding = \"hex\" }\n\
        require = [{ value = \"{sig:env}\", equals = \"live\" }]\n";
    let with = |list: String| {
        Case::new(
            preset("", table),
            Sent { headers: headers([("x-sig", list)]), body: b"body".to_vec(), ..Sent::default() },
        )
    };
    let (live, test, junk) = (sign("live.body"), sign("test.body"), hex(&[7; 32]));
    verified(with(format!("live:{live}")));
    verified(with(format!("live:{junk} live:{live}")));
    run(&with(format!("test:{test}")).refused(ClaimMismatch), "of another environment");
    run(
        &with(format!("live:{junk} test:{test}")).refused(ClaimMismatch),
        "led by a signature that matches nothing",
    );
    verified(with(format!("test:{test} live:{live}")));
}

const OWN_TIME: &str = "signed_template = \"{timestamp}.{body}\"\n\
    timestamp_source = { from_signature = \"t\", format = \"unix\" }\n\
    signature_source = { header = \"x-sig\", list = \" \", extract = \"regex\", \
    pattern = 't=(?<t>[0-9]+),v1=(?<signature>[0-9a-f]{64})', encoding = \"hex\" }\n";

/// An expired key's fresh time must not be lent to an old signature of a live key.
#[test]
fn evidence_of_two_signatures_is_not_mixed() {
    let set = |secret: &[u8], time: i64| {
        format!("t={time},v1={}", hex(&sha256(secret, format!("{time}.body").as_bytes())))
    };
    let expired = || Given { not_after: Some(NOW - 1), ..key("leaked", "leaked") };
    let with = |list: String| {
        let request = Sent { headers: headers([("x-sig", list)]), body: b"body".to_vec(), ..Sent::default() };
        Case::new(preset("", OWN_TIME), request).keys([key("live", KEY), expired()])
    };
    let (old, fresh) = (set(KEY, NOW - 9000), set(b"leaked", NOW));
    verified(with(set(KEY, NOW)));
    verified(with(format!("{} {}", set(b"leaked", NOW), set(KEY, NOW))));
    run(&with(old.clone()).refused(StaleTimestamp), "a captured delivery");
    run(&with(fresh.clone()).refused(ExpiredSecret), "made with a leaked key");
    run(&with(format!("{fresh} {old}")).refused(StaleTimestamp), "both, the fresh one first");
    run(&with(format!("{old} {fresh}")).refused(StaleTimestamp), "both, the old one first");
}

/// What is remembered is what was signed: neither a signature of nothing that came along, nor one of two contents alone.
#[test]
fn company_does_not_change_what_a_signed_content_is_known_by() {
    let pair = SigningKey::from_bytes(&[7; 32]);
    let scheme = |time: &str| {
        Scheme::Text(format!(
            "schema = 1\nname = \"attacked\"\nmode = \"ed25519\"\n[replay]\nkey = \"content\"\n\
             [ed25519]\nalgorithm = \"ed25519\"\nkey = {{ forms = [{{ decode = \"hex\" }}] }}\n{time}"
        ))
    };
    let table = OWN_TIME.replace("{64}", "{128}");
    let signed =
        |time: i64| format!("t={time},v1={}", hex(&pair.sign(format!("{time}.body").as_bytes()).to_bytes()));
    let junk = |time: i64| format!("t={time},v1={}", hex(&[7; 64]));
    let with = |list: String| {
        let request = Sent { headers: headers([("x-sig", list)]), body: b"body".to_vec(), ..Sent::default() };
        Case::new(scheme(&table), request).keys([key("main", hex(pair.verifying_key().as_bytes()))])
    };
    let (one, two) = (signed(NOW), signed(NOW - 1));
    verified(with(format!("{one} {}", junk(NOW - 2))));
    for (first, second) in [
        (one.clone(), format!("{one} {}", junk(NOW - 2))),
        (format!("{one} {}", junk(NOW - 2)), format!("{one} {}", junk(NOW - 3))),
        (format!("{one} {two}"), one.clone()),
        (format!("{one} {two}"), two.clone()),
        (two.clone(), format!("{two} {one}")),
    ] {
        let again = with(second.clone()).after(with(first.clone()).request).expect(Expected::Replayed);
        run(&again, &format!("{second} after {first}"));
    }
}

const EACH: &str = "each = \"/items/*\"\nsigned_template = \"{timestamp}.{item:/v}\"\n\
    timestamp_source = { item = \"/t\", format = \"unix\" }\n\
    signature_source = { item = \"/s\", encoding = \"hex\" }\n";

fn items(all: &[(i64, &str)]) -> Case {
    let item = |(time, value): &(i64, &str)| {
        format!("{{\"t\":{time},\"v\":\"{value}\",\"s\":\"{}\"}}", sign(format!("{time}.{value}")))
    };
    let body = format!("{{\"items\":[{}]}}", all.iter().map(item).collect::<Vec<_>>().join(","));
    Case::new(preset("", EACH), Sent { body: body.into_bytes(), ..Sent::default() })
}

/// Of a batch, every element has its age: none hides behind another.
#[test]
fn every_element_of_a_batch_is_fresh() {
    verified(items(&[(NOW, "a"), (NOW - 300, "b"), (NOW + 60, "c")]));
    for (stray, reason) in
        [(NOW - 301, StaleTimestamp), (NOW + 61, FutureTimestamp), (NOW + 9_000_000, FutureTimestamp)]
    {
        run(&items(&[(NOW, "a"), (stray, "b")]).refused(reason), "the second strays");
        run(&items(&[(stray, "b"), (NOW, "a")]).refused(reason), "the first strays");
    }
}

/// One signed element, copied into a batch of two, would be acted on twice.
#[test]
fn an_element_stands_once_in_a_batch() {
    run(&items(&[(NOW, "a"), (NOW, "a")]).refused(MalformedContent), "the same element twice");
    run(
        &items(&[(NOW, "a"), (NOW, "b"), (NOW, "a")]).refused(MalformedContent),
        "the same element twice, apart",
    );
    run(
        &items(&[(NOW, "a"), (NOW, "b")]).after(items(&[(NOW, "b")]).request).expect(Expected::Replayed),
        "one came before",
    );
    run(&items(&[]).refused(MissingSignature), "nothing is signed by nobody");
}

/// A batch whose elements are signed by different keys is signed by neither.
#[test]
fn all_elements_of_a_batch_are_of_one_key() {
    let mut case = items(&[(NOW, "a"), (NOW, "b")]).keys([key("a", KEY), key("b", "other")]);
    let text = String::from_utf8(case.request.body.clone()).unwrap();
    let content = format!("{NOW}.b");
    case.request.body =
        text.replace(&sign(&content), &hex(&sha256(b"other", content.as_bytes()))).into_bytes();
    run(&case.refused(BadSignature), "two keys");
}

/// A header that may hold what follows it in the content lets bytes of the body pass for the header's.
#[test]
fn a_value_does_not_hold_the_literal_that_ends_it() {
    let with = |value: &str, body: &str| {
        let headers = headers([("x-a", value), ("x-sig", &sign("1.2.{\"a\":1}"))]);
        Case::new(
            signing("\"{header:x-a}.{body}\"", ""),
            Sent { headers, body: body.into(), ..Sent::default() },
        )
    };
    verified(with("1", "2.{\"a\":1}"));
    run(&with("1.2", "{\"a\":1}").refused(MalformedContent), "shifted");
}

/// So does an optional segment that ends where the body begins: present and absent make the same content.
#[test]
fn an_optional_segment_does_not_touch_an_unbounded_value() {
    let scheme = signing("\"[x{header:x-a}y]{body}\"", "");
    run(&Case::new(scheme, Sent::default()).expect(Expected::ConfigError), "[…]{body}");
    let bounded = signing("\"[x{header:x-a}y]\\n{body}\"", "");
    let sent = Sent { headers: headers([("x-sig", sign("\n{\"a\":1}"))]), ..Sent::default() };
    verified(Case::new(bounded, sent));
}

/// HMAC fills short keys with zeros, so that a key and the same key with zeros behind it are one key: what stands in a
/// key is not bound as what stands in the content is.
#[test]
fn a_body_in_the_key_is_not_bound() {
    let table = "algorithm = \"sha256\"\nsigned_template = \"fixed\"\n\
        signature_source = { header = \"x-sig\", encoding = \"hex\" }\n\
        key = { forms = [{ decode = \"text\" }], derive = \"{secret}{body}\" }\n";
    let scheme = Scheme::Text(format!("schema = 1\nname = \"attacked\"\nmode = \"hmac\"\n[hmac]\n{table}"));
    let sig = hex(&sha256(&[KEY, b"{}"].concat(), b"fixed"));
    let with = |body: &[u8]| {
        let request = Sent { headers: headers([("x-sig", &sig)]), body: body.to_vec(), ..Sent::default() };
        Case::new(scheme.clone(), request)
    };
    for body in [&b"{}"[..], b"{}\0", b"{}\0\0\0"] {
        let case = with(body);
        let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
        let binds = judge(&verifier, &case.request).unwrap().binds();
        assert!(!binds.contains(Binds::BODY), "{body:?} has the same signature, and is said to be bound");
    }
}

/// A time in the key is bound: its alphabet has no zeros.
#[test]
fn a_time_in_the_key_is_bound() {
    let table = "signed_template = \"{body}\"\ntimestamp_source = { header = \"x-time\", format = \"unix\" }\n\
        signature_source = { header = \"x-sig\", encoding = \"hex\" }\nkey.derive = \"{timestamp}{secret}\"\n";
    let table = table
        .replace("key.derive", "key = { forms = [{ decode = \"text\" }], derive")
        .replace("{secret}\"\n", "{secret}\" }\n");
    let scheme = Scheme::Text(format!(
        "schema = 1\nname = \"attacked\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\n{table}"
    ));
    let with = |time: i64| {
        let sig = hex(&sha256(&[NOW.to_string().as_bytes(), KEY].concat(), b"{\"a\":1}"));
        Case::new(
            scheme.clone(),
            Sent { headers: headers([("x-time", time.to_string()), ("x-sig", sig)]), ..Sent::default() },
        )
    };
    verified(with(NOW));
    run(&with(NOW + 1).refused(BadSignature), "another time");
}

/// A test that is read before anything is found would take everything for absent.
#[test]
fn an_early_test_reads_only_what_is_known_early() {
    for value in ["{sig:v0}", "{timestamp}", "{id}"] {
        let table = format!(
            "signed_template = \"{{body}}\"\n\
             timestamp_source = {{ header = \"x-time\", format = \"unix\" }}\nid_source = {{ header = \"x-id\" }}\n\
             signature_source = {{ header = \"x-sig\", extract = \"kv_pairs\", key = \"v1\", encoding = \"hex\" }}\n\
             require = [{{ value = \"{value}\", absent = true, early = true }}]\n"
        );
        run(&Case::new(preset("", &table), Sent::default()).expect(Expected::ConfigError), value);
    }
}

/// A pattern that closes the group it is put in would be anchored at neither end.
#[test]
fn a_pattern_cannot_leave_its_anchors() {
    for pattern in ["a)|(?:b", "a)(?:b", ")("] {
        let require = format!("require = [{{ value = \"{{header:x-a}}\", matches = '{pattern}' }}]\n");
        let expected = Expected::ConfigError;
        run(&Case::new(signing("\"{body}\"", &require), Sent::default()).expect(expected), pattern);
    }
    // A comment swallows what stands behind it, and no anchor does.
    for pattern in ["a|b", "(?x) a | b # c", "(?m)^a|b$"] {
        let case = |value: &str| {
            let headers = headers([("x-a", value), ("x-sig", &sign("{\"a\":1}"))]);
            let require = format!("require = [{{ value = \"{{header:x-a}}\", matches = '{pattern}' }}]\n");
            Case::new(signing("\"{body}\"", &require), Sent { headers, ..Sent::default() })
        };
        verified(case("b"));
        for value in ["ax", "xb", "a\u{a0}", "", "ab", "b # c"] {
            run(&case(value).refused(ClaimMismatch), value);
        }
    }
}

/// Signed twice, by an old algorithm and a new one: whichever is left out, it is the same message.
#[test]
fn another_algorithm_over_the_same_content_is_a_replay() {
    let mapped = "[\"{timestamp}.{body}\", \"{timestamp}:{body}\"]";
    let two_cases = "timestamp_source = { header = \"x-time\", format = \"unix\" }\n\
        [[hmac.case]]\nwhen = [{ value = \"{header:x-sig}\", present = true }]\n\
        signature_source = { header = \"x-sig\", encoding = \"hex\" }\n\
        [[hmac.case]]\nwhen = []\nalgorithm = \"sha1\"\nsignature_source = { header = \"x-sig-1\", encoding = \"hex\" }";
    let one_header = "timestamp_source = { header = \"x-time\", format = \"unix\" }\n\
        signature_source = { header = \"x-sig\", encoding = \"hex\" }";
    let time = NOW.to_string();
    let content = format!("{NOW}.{{\"a\":1}}");
    let (new, old) = (sign(&content), hex(&sha1(KEY, content.as_bytes())));
    let with = |table: &str, sent: &[(&'static str, &str)]| {
        let scheme = preset("", &format!("signed_template = {mapped}\n{table}"));
        let scheme = match (scheme, table == one_header) {
            (Scheme::Text(text), true) => Scheme::Text(text.replace(
                "algorithm = \"sha256\"",
                "algorithm = { from = \"{header:x-alg}\", map = { new = \"sha256\", old = \"sha1\" } }",
            )),
            (scheme, _) => scheme,
        };
        let sent = sent.iter().copied().chain([("x-time", &*time)]);
        Case::new(scheme, Sent { headers: headers(sent), ..Sent::default() })
    };
    for (table, new, old) in [
        (two_cases, vec![("x-sig", &*new), ("x-sig-1", &*old)], vec![("x-sig-1", &*old)]),
        (one_header, vec![("x-sig", &*new), ("x-alg", "new")], vec![("x-sig", &*old), ("x-alg", "old")]),
    ] {
        verified(with(table, &new));
        verified(with(table, &old));
        for (first, second) in [(&new, &old), (&old, &new)] {
            let again = with(table, second).after(with(table, first).request).expect(Expected::Replayed);
            run(&again, "by the other algorithm");
        }
    }
}

/// Pairs that are signed decoded and joined: a cut between two of them must not move, nor a name take of its value.
#[test]
fn joined_pairs_are_read_in_one_way() {
    let with = |filters: &str, query: &str, content: &str| {
        let scheme = signing(&format!("\"{{query|{filters}}}\""), "");
        let url = format!("https://example.com/hook?{query}");
        Case::new(scheme, Sent { headers: headers([("x-sig", &sign(content))]), url, ..Sent::default() })
    };
    for filters in ["sort|pairs:=|join:&", "pairs:=|sort|join:&"] {
        let content = "amount=1&subject=Tom & Jerry&total=a=b";
        verified(with(filters, "amount=1&subject=Tom+%26+Jerry&total=a%3Db", content));
        for moved in [
            "amount=1%26subject%3DTom+%26+Jerry&total=a%3Db",
            "amount=1&subject=Tom+%26+Jerry%26total%3Da%3Db",
            "amount=1&subject=Tom+%26+Jerry&total%3Da=b",
            "amount%3D1%26subject=Tom+%26+Jerry&total=a%3Db",
        ] {
            run(&with(filters, moved, content).refused(MalformedContent), moved);
        }
    }
    // Where nothing stands between them, nothing can be told: that is the provider's doing.
    verified(with("pairs:|join", "a=b%3Dc&d=e", "ab=cde"));
}

/// Whole and in pieces, a body is judged alike; every case above is, and these are built to differ.
#[test]
fn a_body_in_pieces_is_judged_as_the_whole_is() {
    // A list of the head names fields of the body.
    let scheme = signing("\"{header:x-list|split:,|lookup:json:|pairs:=|join:&}\\n{body}\"", "");
    let body = b"{\"a\":1,\"b\":{\"c\":2}}";
    let content = [b"a=1&b.c=2\n".as_slice(), body].concat();
    let headers_ = headers([("x-list", "a,b.c"), ("x-sig", &sign(content))]);
    verified(Case::new(scheme, Sent { headers: headers_, body: body.to_vec(), ..Sent::default() }));
    // A time that is a field of the signature, and signed by nobody.
    let unsigned = OWN_TIME.replace("{timestamp}.{body}", "{body}");
    let with = |list: String| {
        let top = "[freshness]\nunsigned = \"ignored\"\n";
        let request = Sent { headers: headers([("x-sig", list)]), ..Sent::default() };
        Case::new(preset(top, &unsigned), request)
    };
    verified(with(format!("t={NOW},v1={}", sign("{\"a\":1}"))));
    run(&with(format!("t=123,v1={}", sign("{\"a\":1}"))).refused(MalformedTimestamp), "no time");
}

/// A list of signed headers that something is taken out of does not sign what was taken out.
#[test]
fn a_listed_time_is_signed_only_if_the_whole_list_is() {
    let with = |filters: &str, tested: &str| {
        let table = format!(
            "signed_template = \"{{header:x-list|{filters}}}\\n{{body}}\"\n\
             timestamp_source = {{ header = \"x-time\", format = \"unix\" }}\n\
             signature_source = {{ header = \"x-sig\", encoding = \"hex\" }}\n\
             require = [{{ value = \"{{header:x-list|{tested}}}\", contains = [\"x-time\"], early = true }}]\n"
        );
        let list = "x-time,x-a";
        let headers = headers([
            ("x-list", list),
            ("x-time", &NOW.to_string()),
            ("x-a", "1"),
            ("x-sig", &sign(format!("x-time:{NOW};x-a:1\n{{\"a\":1}}"))),
        ]);
        Case::new(
            preset("[freshness]\ntolerance_seconds = 300\n", &table),
            Sent { headers, ..Sent::default() },
        )
    };
    verified(with("split:,|lookup:header|pairs::|join:;", "split:,"));
    for (filters, tested) in [
        ("split:,|except:x-time|lookup:header|pairs::|join:;", "split:,"),
        ("split:,|lookup:header|except:x-time|pairs::|join:;", "split:,"),
        ("split:;|lookup:header|pairs::|join:;", "split:,"),
        ("split:,|lookup:header|drop_empty|pairs::|join:;", "split:,"),
    ] {
        run(&with(filters, tested).expect(Expected::ConfigError), filters);
    }
}

/// Two signatures that name two keys are one message, whichever of them comes.
#[test]
fn signatures_that_name_their_keys_replay_alike() {
    let table = "signed_template = \"{body}\"\nsignature_source = { header = \"x-sig\", list = \" \", extract = \"regex\", \
        pattern = '(?<key_id>[a-z]+)=(?<signature>[0-9a-f]{64})', encoding = \"hex\" }\n";
    let (a, b) = (format!("a={}", sign("{\"a\":1}")), format!("b={}", hex(&sha256(b"other", b"{\"a\":1}"))));
    let with = |list: &str| {
        let request = Sent { headers: headers([("x-sig", list)]), ..Sent::default() };
        Case::new(preset("[replay]\nkey = \"content\"\n", table), request)
            .keys([key("a", KEY), key("b", "other")])
    };
    for (first, second) in [(&a, &b), (&b, &a)] {
        run(&with(second).after(with(first).request).expect(Expected::Replayed), "one, then the other");
    }
    run(&with(&a.replace("a=", "b=")).refused(BadSignature), "a signature under another's name");
    run(&with(&a.replace("a=", "c=")).refused(UnknownKey), "under nobody's");
}

/// A challenge that could be signed content is never answered with a MAC.
#[test]
fn a_handshake_is_no_oracle() {
    let with = |template: &str, pattern: &str, body: &str, more: &str| {
        let top = format!(
            "[[handshake]]\nkind = \"answer\"\n\
             when = [{{ value = \"{{query:c}}\", matches = '{pattern}' }}]\n\
             answer = {{ status = 200, body = \"{body}\" }}\n"
        );
        let table = format!(
            "signed_template = {template}\nsignature_source = {{ header = \"x-sig\", encoding = \"hex\" }}\n{more}"
        );
        build(&Case::new(preset(&top, &table), Sent::default())).err()
    };
    let (good, mac) = ("[a-z]{1,64}", "{query:c|mac|hex}");
    assert_eq!(with("\"v0:{body}\"", good, mac, ""), None, "a literal that no challenge has");
    let starts = "require = [{ value = \"{body}\", matches = '(?s)\\{.*' }]\n";
    assert_eq!(with("\"{body}\"", good, mac, starts), None, "a body that no challenge is");
    let refused = Some(Expected::ConfigError);
    for (template, pattern, body, more) in [
        ("\"{body}\"", good, mac, ""),
        ("\"[v0:{header:x-a}]{body}\"", good, mac, "adjacent = \"accepted\"\n"),
        ("[\"v0:{body}\", \"v{body}\"]", good, mac, ""),
        ("\"v0:{body}\"", "[a-z0-9:]{1,64}", mac, ""),
        ("\"v0:{body}\"", "(?i)[a-z0-9:]{1,64}", mac, ""),
        ("\"v0:{body}\"", "[^x]{1,64}", mac, ""),
        ("\"v0:{body}\"", "(?s-u:.){1,64}", mac, ""),
        ("\"v0:{body}\"", "[a-z]+", mac, ""),
        ("\"v0:{body}\"", "[a-z]{1,257}", mac, ""),
        ("\"v0:{body}\"", good, "{query:d|mac|hex}", ""),
        ("\"v0:{body}\"", good, "[{query:d|mac|hex}]", ""),
        ("\"v0:{body}\"", good, "{query:c|unhex|mac|hex}", ""),
        ("\"v0:{body}\"", good, "{query:c|default:v0:x|mac|hex}", ""),
        ("\"{body}\"", good, mac, "require = [{ value = \"{body}\", matches = '(?s)\\{?.*' }]\n"),
        ("\"{body}\"", good, mac, "require = [{ value = \"{body|slice:1:}\", matches = '(?s)\\{.*' }]\n"),
        (
            "\"{header:x-a}{body}\"",
            good,
            mac,
            "adjacent = \"accepted\"\nrequire = [{ value = \"{body}\", matches = '(?s)\\{.*' }]\n",
        ),
    ] {
        assert_eq!(with(template, pattern, body, more), refused, "{template} {pattern} {body} {more}");
    }
}

/// Alternatives are spellings of one content: none may leave something out.
#[test]
fn alternatives_have_the_same_values() {
    for template in [
        "[\"{timestamp}.{body}\", \"{body}\"]",
        "[\"{body}\", \"\"]",
        "[\"{timestamp}.{body}\", \"{timestamp}[.{body}]{header:a}\"]",
    ] {
        let scheme = signing(template, "timestamp_source = { header = \"x-time\", format = \"unix\" }");
        run(&Case::new(scheme, Sent::default()).expect(Expected::ConfigError), template);
    }
    // One that makes a value optional is an alternative still, and binds no more than it always has.
    let scheme = signing(
        "[\"{timestamp}.{body}\", \"[{timestamp}].{body}\"]",
        "timestamp_source = { header = \"x-time\", format = \"unix\" }",
    );
    let case =
        Case::new(scheme, Sent { headers: headers([("x-sig", sign(".{\"a\":1}"))]), ..Sent::default() });
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(!verifier.compiled().needs().binds.contains(Binds::TIME));
}

/// The name of a preset becomes part of paths and logs.
#[test]
fn a_presets_name_is_a_name() {
    let registry = countersign_modes::registry().unwrap();
    for name in ["../x", "/etc/passwd", "a%2fb", "", "github.toml", "GitHub", "github\0"] {
        assert!(registry.named(name).is_err(), "{name}");
        let mut registry = Registry::new();
        let text = format!("schema = 1\nname = {name:?}\nmode = \"hmac\"\n[hmac]\n");
        assert!(registry.add_preset("x.toml", text.replace("\\0", "\\u0000")).is_err(), "{name}");
    }
    let mut registry = countersign_modes::registry().unwrap();
    let file = registry.sources_mut().add("again", "schema = 1\nname = \"github\"\n");
    assert!(Layer::parse(registry.sources(), file).is_ok());
    assert!(
        registry.add_preset("again.toml", "schema = 1\nname = \"github\"\n").is_err(),
        "nothing shadows silently"
    );
}
