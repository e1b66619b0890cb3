"""What attestations must come to, case by case: the events, and by hand the outcome. `attestation.py` computes the rest.

A signing case is told the end of its projection or the reason it is refused for; a verifying case its reason, or nothing if it
verifies. Keys are made for these cases, and for nothing else; the first pair is the first of RFC 8032, section 7.1.
"""

import json

T = 1767225600
KEYS = {
    "main": {"algorithm": "hmac-sha256", "id": "main", "secret": "an attestation secret of 32 bytes or more"},
    "old": {
        "algorithm": "hmac-sha256",
        "id": "old",
        "secret": "the secret before it, which has 32 bytes too",
        "not_after": T + 100,
    },
    "next": {"algorithm": "hmac-sha256", "id": "next", "secret": "the secret that will follow, later on", "not_before": T + 1000},
    "pair": {
        "algorithm": "ed25519",
        "id": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "private": "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "public": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    },
    # HMAC with the public key of the pair as its secret, under the pair's id: what an attacker would sign with.
    "confused": {
        "algorithm": "hmac-sha256",
        "id": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "secret": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    },
}
PAYMENT = '{"id":"evt_1","type":"payment.settled","data":{"amount":4200,"currency":"EUR","note":"thanks"}}'


def nested(levels, inner="1"):
    return '{"a":' * levels + inner + "}" * levels


SIGN = [
    # name, event, fields, how the projection ends (or "!reason"), and what differs
    ("a-payment", PAYMENT, ["/id", "/data/amount", "/data/currency"],
     "a3:s12:/data/amounti4:4200s14:/data/currencys3:EURs3:/ids5:evt_1", {}),
    ("a-payment-by-ed25519", PAYMENT, ["/id", "/data/amount"], "a2:s12:/data/amounti4:4200s3:/ids5:evt_1", {"key": "pair"}),
    ("absent-null-and-empty-are-three-things", '{"null":null,"text":"","list":[],"object":{}}',
     ["/absent", "/null", "/text", "/list", "/object"],
     "a5:s7:/absent-s5:/lista0:s5:/nullns7:/objecto0:s5:/texts0:", {}),
    ("texts-are-not-numbers-or-booleans", '{"a":"1","b":1,"c":"true","d":true,"e":"null","f":false}',
     ["/a", "/b", "/c", "/d", "/e", "/f"], "s2:/as1:1s2:/bi1:1s2:/cs4:trues2:/dts2:/es4:nulls2:/ff", {}),
    ("integers-to-the-edge", '{"a":[0,-1,9007199254740991,-9007199254740991]}', ["/a"],
     "a4:i1:0i2:-1i16:9007199254740991i17:-9007199254740991", {}),
    ("names-in-the-order-of-their-bytes",
     '{"a":{"\U0001f600":1,"\uff5e":2,"b":3,"B":4,"":5,"ba":6,"\\u00e9":7,"e\\u0301":8}}', ["/a"],
     "o8:s0:i1:5s1:Bi1:4s1:bi1:3s2:bai1:6s3:e\u0301i1:8s2:\u00e9i1:7s3:\uff5ei1:2s4:\U0001f600i1:1", {}),
    ("no-normalisation", '{"a":"\u00e9","b":"e\u0301","c":"\u212b","d":"\u00c5"}', ["/a", "/b", "/c", "/d"],
     "s2:/as2:\u00e9s2:/bs3:e\u0301s2:/cs3:\u212bs2:/ds2:\u00c5", {}),
    ("escapes-are-what-they-mean", '{"a":"\\u0041\\/\\n\\u0000\\ud83d\\ude00"}', ["/a"], "s2:/as8:A/\n\0\U0001f600", {}),
    ("lengths-are-bytes", '{"a":"\u20ac\u20ac"}', ["/a"], "s2:/as6:\u20ac\u20ac", {}),
    ("what-looks-like-a-projection-is-a-text", '{"a":"s2:/bi1:1","b":"-"}', ["/a", "/b"],
     "a2:s2:/as9:s2:/bi1:1s2:/bs1:-", {}),
    ("a-tree", '{"a":[{"y":[],"x":{"z":[null,true]}},[]]}', ["/a"],
     "s2:/aa2:o2:s1:xo1:s1:za2:nts1:ya0:a0:", {}),
    ("names-with-dots-slashes-and-tildes", '{"a.b":1,"a":{"b":2},"a/b":3,"a~b":4,"~1":5}',
     ["/a.b", "/a/b", "/a~1b", "/a~0b", "/~01"],
     "a5:s4:/a.bi1:1s4:/a/bi1:2s5:/a~0bi1:4s5:/a~1bi1:3s4:/~01i1:5", {}),
    ("empty-names", '{"":{"":1}}', ["/", "//"], "a2:s1:/o1:s0:i1:1s2://i1:1", {}),
    ("prototype-names", '{"__proto__":{"a":1},"constructor":2,"toString":null}',
     ["/__proto__", "/constructor", "/hasOwnProperty", "/toString"],
     "a4:s10:/__proto__o1:s1:ai1:1s12:/constructori1:2s15:/hasOwnProperty-s9:/toStringn", {}),
    ("below-what-is-absent-is-absent", '{"a":{}}', ["/a/b/c"], "a1:s6:/a/b/c-", {}),
    ("one-within-the-other", '{"a":{"b":1}}', ["/a", "/a/b"], "a2:s2:/ao1:s1:bi1:1s4:/a/bi1:1", {}),
    ("digits-name-properties", '{"a":{"0":1}}', ["/a/0"], "a1:s4:/a/0i1:1", {}),
    ("an-old-attestation-is-written-over",
     '{"a":1,"attestation":{"version":9},"attestation_signature":7,"attestation_verdict":{"verified":true}}', ["/a"], "s2:/ai1:1", {}),
    ("a-verdict-goes-in-any-case", '{"a":1,"Attestation_Verdict":1,"atte\u017ftation_verdict":2,"attestation_verdict_":3}', ["/a"],
     "s2:/ai1:1", {}),
    ("other-names", '{"attestation":1}', ["/attestation"], "s12:/attestationi1:1",
     {"names": {"attestation": "proof", "signature": "proof_sig", "verdict": "proof_ok"}}),
    ("the-first-second", '{"a":1}', ["/a"], "i1:0a1:s2:/ai1:1", {"time": 0}),
    ("the-last-second", '{"a":1}', ["/a"], "i12:253402300799a1:s2:/ai1:1", {"time": 253402300799}),
    ("as-deep-as-may-be", nested(64), ["/a"], "i1:1", {}),
    ("other-numbers-where-nobody-looks", '{"a":1,"b":1.5,"c":-0,"d":12345678901234567890}', ["/a"], "a1:s2:/ai1:1", {}),
    ("as-large-as-may-be", '{"a":"FILL"}', ["/a"], "s2:/as1048496:FILL", {"fill": 1048496}),
    # refused
    ("a-byte-too-large", '{"a":"FILL"}', ["/a"], "!too_large", {"fill": 1048497}),
    ("a-fraction", '{"a":1.5}', ["/a"], "!unsupported_number", {}),
    ("a-fraction-that-is-none", '{"a":1.0}', ["/a"], "!unsupported_number", {}),
    ("an-exponent", '{"a":{"b":[1e0]}}', ["/a"], "!unsupported_number", {}),
    ("minus-zero", '{"a":-0}', ["/a"], "!unsupported_number", {}),
    ("two-to-the-53", '{"a":9007199254740992}', ["/a"], "!unsupported_number", {}),
    ("minus-two-to-the-53", '{"a":-9007199254740992}', ["/a"], "!unsupported_number", {}),
    ("through-a-text", '{"a":"x"}', ["/a/b"], "!unreachable_field", {}),
    ("through-null", '{"a":null}', ["/a/b"], "!unreachable_field", {}),
    ("through-an-array", '{"a":[1]}', ["/a/0"], "!unreachable_field", {}),
    ("a-namesake", '{"amount":1,"Amount":2}', ["/amount"], "!ambiguous_field", {}),
    ("a-namesake-of-what-is-absent", '{"AMOUNT":2}', ["/amount"], "!ambiguous_field", {}),
    ("a-namesake-on-the-way", '{"\u212aey":{},"key":{"a":1}}', ["/key/a"], "!ambiguous_field", {}),
    ("the-attestation-itself", '{"attestation":1}', ["/attestation"], "!reserved_field", {}),
    ("within-the-verdict", "{}", ["/attestation_verdict/verified"], "!reserved_field", {}),
    ("the-signature-in-other-case", "{}", ["/ATTESTATION_SIGNATURE"], "!reserved_field", {}),
    ("no-slash", '{"a":1}', ["a"], "!malformed_field", {}),
    ("the-whole", '{"a":1}', [""], "!malformed_field", {}),
    ("a-tilde-that-escapes-nothing", '{"a~2":1}', ["/a~2"], "!malformed_field", {}),
    ("before-time", '{"a":1}', ["/a"], "!malformed_attestation", {"time": -1}),
    ("no-object", '["a"]', ["/a"], "!malformed_event", {}),
]


def verify_cases(us):
    """Name, event, reason or None, and what differs."""
    event = json.loads

    def signed(text=PAYMENT, fields=("/data/amount", "/id"), key="main", time=T, names=None):
        _, _, out = us.attest(us.read(text.encode()), list(fields), KEYS[key], time, names)
        return out

    def but(change, **how):
        out = signed(**how)
        change(out)
        return text(out)

    def text(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def in_attestation(**members):
        return but(lambda e: e["attestation"].update(members))

    def resigned(change):
        """Whoever has the key can sign anything: what is refused even then."""
        out = signed()
        change(out)
        a = out["attestation"]
        content = us.PREFIX + us.text(a["algorithm"]) + us.text(a["key_id"]) + us.number(a["time"]) + b"a%d:" % len(a["fields"])
        for field in a["fields"]:
            # No field that is refused leads anywhere.
            value, depth = us.find(out, field) if field.startswith("/") else (us.ABSENT, 1)
            content += us.text(field) + us.project_value(value, depth)
        out["attestation_signature"] = us.sign(KEYS["main"], content)
        return text(out)

    good, good_pair = text(signed()), text(signed(key="pair"))
    signature = event(good)["attestation_signature"]
    yes = {"verified": True, "key_id": "main", "time": T, "fields": ["/data/amount", "/id", "/data"]}
    proof = {"attestation": "proof", "signature": "proof_sig", "verdict": "proof_ok"}

    def duplicate(at, more):
        assert at in good
        return good.replace(at, more + at, 1)

    return [
        ("good", good, None, {}),
        ("good-ed25519", good_pair, None, {"keys": ["pair"]}),
        ("good-among-several-keys", good, None, {"keys": ["old", "pair", "main"]}),
        ("good-in-another-order-and-with-white-space", json.dumps(event(good), indent=2, sort_keys=True), None, {}),
        ("good-with-escapes-for-letters", good.replace('"id"', '"\\u0069d"').replace("evt_1", "\\u0065vt_1"), None, {}),
        ("uncovered-fields-may-change-and-are-not-listed", but(lambda e: e["data"].update(note="x", iban="y")), None, {}),
        ("what-is-covered-as-absent-is-said", text(signed(fields=["/id", "/discount"])), None, {}),
        ("other-names", text(signed(names=proof)), None, {"names": proof}),
        ("other-names-are-not-the-usual", text(signed(names=proof)), "missing_attestation", {}),
        # what readers disagree about
        ("no-json", "{", "malformed_event", {}),
        ("no-object", "[]", "malformed_event", {}),
        ("two-events", good + good, "malformed_event", {}),
        ("a-covered-field-twice", duplicate('"id":"evt_1"', '"id":"evt_2",'), "malformed_event", {}),
        ("a-covered-field-twice-by-an-escape", duplicate('"id":"evt_1"', '"\\u0069d":"evt_2",'), "malformed_event", {}),
        ("an-uncovered-field-twice", duplicate('"note":', '"note":1,'), "malformed_event", {}),
        ("a-member-of-the-attestation-twice", duplicate('"key_id":', '"key_id":"old",'), "malformed_event", {}),
        ("the-signature-twice", duplicate('"attestation_signature":', '"attestation_signature":"x",'), "malformed_event", {}),
        ("half-a-surrogate-pair", duplicate('"note":', '"x":"\\ud800",'), "malformed_event", {}),
        ("no-utf-8", {"hex": good.encode().replace(b"thanks", b"th\xffnks").hex()}, "malformed_event", {}),
        ("a-byte-order-mark", {"hex": (b"\xef\xbb\xbf" + good.encode()).hex()}, "malformed_event", {}),
        ("a-number-past-all-doubles", duplicate('"note":', '"x":1e999,'), "malformed_event", {}),
        ("not-a-number", duplicate('"note":', '"x":NaN,'), "malformed_event", {}),
        ("a-leading-zero", duplicate('"note":', '"x":01,'), "malformed_event", {}),
        ("a-control-character", duplicate('"note":', '"x":"\t",'), "malformed_event", {}),
        ("a-comma-too-many", good[:-1] + ",}", "malformed_event", {}),
        ("too-deep", duplicate('"note":', '"x":' + "[" * 63 + "]" * 63 + ","), "malformed_event", {}),
        ("as-deep-as-may-be", duplicate('"note":', '"x":' + "[" * 62 + "]" * 62 + ","), None, {}),
        # stripped, torn, exchanged
        ("stripped-of-both", PAYMENT, "missing_attestation", {}),
        ("stripped-of-the-signature", but(lambda e: e.pop("attestation_signature")), "missing_signature", {}),
        ("stripped-of-the-attestation", but(lambda e: e.pop("attestation")), "missing_attestation", {}),
        ("a-signature-that-is-null", but(lambda e: e.update(attestation_signature=None)), "malformed_signature", {}),
        ("an-empty-signature", but(lambda e: e.update(attestation_signature="")), "malformed_signature", {}),
        ("a-signature-cut-short", but(lambda e: e.update(attestation_signature=signature[:-2])), "malformed_signature", {}),
        ("a-signature-in-upper-case", but(lambda e: e.update(attestation_signature=signature.upper())), "malformed_signature", {}),
        ("a-signature-and-a-newline", but(lambda e: e.update(attestation_signature=signature + "\n")), "malformed_signature", {}),
        ("a-signature-in-a-list", but(lambda e: e.update(attestation_signature=[signature])), "malformed_signature", {}),
        ("a-signature-in-digits-of-another-script",
         but(lambda e: e.update(attestation_signature="\u0660" * 64)), "malformed_signature", {}),
        ("a-signature-of-zeros", but(lambda e: e.update(attestation_signature="0" * 64)), "bad_signature", {}),
        ("the-signature-of-another-event",
         but(lambda e: e.update(attestation_signature=signed(PAYMENT.replace("evt_1", "evt_2"))["attestation_signature"])),
         "bad_signature", {}),
        # what is covered was changed
        ("a-covered-number-changed", but(lambda e: e["data"].update(amount=4201)), "bad_signature", {}),
        ("a-covered-number-made-a-text", but(lambda e: e["data"].update(amount="4200")), "bad_signature", {}),
        ("a-covered-number-made-a-list", but(lambda e: e["data"].update(amount=[4200])), "bad_signature", {}),
        ("a-covered-number-spelled-with-a-point", good.replace("4200", "4200.0", 1), "unsupported_number", {}),
        ("a-covered-number-a-little-more", good.replace("4200", "4200.00000000000000000001", 1), "unsupported_number", {}),
        ("a-covered-number-with-an-exponent", good.replace("4200", "42e2", 1), "unsupported_number", {}),
        ("a-covered-field-taken-away", but(lambda e: e.pop("id")), "bad_signature", {}),
        ("a-covered-field-made-null", but(lambda e: e.update(id=None)), "bad_signature", {}),
        ("what-was-absent-is-there",
         but(lambda e: e.update(discount=100), fields=["/id", "/discount"]), "bad_signature", {}),
        ("what-was-null-is-gone", but(lambda e: e.pop("n"), text='{"n":null,"id":"1"}', fields=["/n", "/id"]), "bad_signature", {}),
        ("a-namesake-in-other-case", duplicate('"id":', '"ID":"evt_2",'), "ambiguous_field", {}),
        ("a-namesake-with-a-sign-of-kelvin",
         but(lambda e: e.update({"\u212aey": 2}), text='{"key":1}', fields=["/key"]), "ambiguous_field", {}),
        ("another-normal-form", but(lambda e: e.update(id="e\u0301"), text='{"id":"\u00e9"}', fields=["/id"]), "bad_signature", {}),
        ("a-letter-that-looks-alike", but(lambda e: e.update(id="evt_\u0661")), "bad_signature", {}),
        ("a-way-through-a-text-now", but(lambda e: e.update(data="4200")), "unreachable_field", {}),
        ("a-way-through-an-array-now", but(lambda e: e.update(data=[{"amount": 4200}])), "unreachable_field", {}),
        ("two-values-exchanged",
         but(lambda e: e.update(a="2", b="1"), text='{"a":"1","b":"2"}', fields=["/a", "/b"]), "bad_signature", {}),
        ("a-value-cut-differently",
         but(lambda e: e.update(a="1", b="23"), text='{"a":"12","b":"3"}', fields=["/a", "/b"]), "bad_signature", {}),
        ("a-field-moved-to-another-path",
         but(lambda e: (e.update(other=e.pop("data")), e["attestation"].update(fields=["/id", "/other/amount"]))), "bad_signature", {}),
        ("a-dotted-name-for-a-path",
         but(lambda e: (e.update({"data.amount": 4200}), e["attestation"].update(fields=["/data.amount", "/id"]))),
         "bad_signature", {}),
        # the attestation was changed
        ("fewer-fields", in_attestation(fields=["/id"]), "bad_signature", {}),
        ("more-fields", in_attestation(fields=["/data/amount", "/data/note", "/id"]), "bad_signature", {}),
        ("another-time", in_attestation(time=T + 1), "bad_signature", {}),
        ("another-key-of-ours", in_attestation(key_id="old"), "bad_signature", {"keys": ["main", "old"]}),
        ("no-fields", in_attestation(fields=[]), "malformed_attestation", {}),
        ("sixty-five-fields", in_attestation(fields=["/%03d" % n for n in range(65)]), "malformed_attestation", {}),
        ("a-field-that-is-no-text", in_attestation(fields=[1]), "malformed_attestation", {}),
        ("fields-that-are-a-text", in_attestation(fields="/id"), "malformed_attestation", {}),
        ("a-field-twice", resigned(lambda e: e["attestation"].update(fields=["/id", "/id"])), "unordered_fields", {}),
        ("fields-in-another-order", resigned(lambda e: e["attestation"].update(fields=["/id", "/data/amount"])), "unordered_fields", {}),
        ("fields-in-the-order-of-utf-16",
         resigned(lambda e: e["attestation"].update(fields=["/\U0001f600", "/\uff5e"])), "unordered_fields", {}),
        ("fields-in-the-order-of-bytes",
         resigned(lambda e: e["attestation"].update(fields=["/\uff5e", "/\U0001f600"])), None, {}),
        ("a-field-that-is-no-pointer", resigned(lambda e: e["attestation"].update(fields=["id"])), "malformed_field", {}),
        ("a-field-that-is-the-whole", resigned(lambda e: e["attestation"].update(fields=[""])), "malformed_field", {}),
        ("a-field-with-a-bad-escape", resigned(lambda e: e["attestation"].update(fields=["/a~"])), "malformed_field", {}),
        ("a-field-of-513-bytes", resigned(lambda e: e["attestation"].update(fields=["/" + "a" * 512])), "malformed_field", {}),
        ("a-field-of-512-bytes", resigned(lambda e: e["attestation"].update(fields=["/" + "a" * 511])), None, {}),
        ("the-verdict-as-a-field",
         resigned(lambda e: e["attestation"].update(fields=["/attestation_verdict/verified"])), "reserved_field", {}),
        ("the-attestation-as-a-field-by-an-escape",
         good.replace('"/data/amount"', '"/atte\\u017ftation"'), "reserved_field", {}),
        ("a-member-more", in_attestation(audience="x"), "malformed_attestation", {}),
        ("a-member-less", but(lambda e: e["attestation"].pop("time")), "malformed_attestation", {}),
        ("another-version", in_attestation(version=2), "unknown_version", {}),
        ("another-version-with-other-members", but(lambda e: e.update(attestation={"version": 0, "x": 1})), "unknown_version", {}),
        ("a-version-that-is-a-text", in_attestation(version="1"), "malformed_attestation", {}),
        ("a-version-with-a-point", good.replace('"version":1', '"version":1.0'), "malformed_attestation", {}),
        ("a-version-that-is-true", in_attestation(version=True), "malformed_attestation", {}),
        ("a-time-that-is-a-text", in_attestation(time=str(T)), "malformed_attestation", {}),
        ("a-time-before-1970", in_attestation(time=-1), "malformed_attestation", {}),
        ("a-time-after-9999", in_attestation(time=253402300800), "malformed_attestation", {}),
        ("an-attestation-that-is-a-text", but(lambda e: e.update(attestation=text(e["attestation"]))), "malformed_attestation", {}),
        ("an-attestation-that-is-null", but(lambda e: e.update(attestation=None)), "malformed_attestation", {}),
        ("a-key-id-with-a-space", in_attestation(key_id="ma in"), "malformed_attestation", {}),
        ("a-key-id-and-a-newline", in_attestation(key_id="main\n"), "malformed_attestation", {}),
        ("an-empty-key-id", in_attestation(key_id=""), "malformed_attestation", {}),
        ("a-member-of-a-prototype", good.replace('"time":%d' % T, '"__proto__":{"time":%d}' % T), "malformed_attestation", {}),
        # algorithms and keys
        ("no-algorithm", in_attestation(algorithm="none"), "unknown_algorithm", {}),
        ("an-algorithm-in-upper-case", in_attestation(algorithm="HMAC-SHA256"), "unknown_algorithm", {}),
        ("an-algorithm-of-a-prototype", in_attestation(algorithm="__proto__"), "unknown_algorithm", {}),
        ("hmac-with-the-public-key", text(signed(key="confused")), "wrong_algorithm", {"keys": ["pair"]}),
        ("ed25519-said-of-a-shared-secret",
         but(lambda e: e["attestation"].update(key_id="main"), key="pair"), "wrong_algorithm", {"keys": ["main", "pair"]}),
        ("the-length-of-the-other-algorithm", in_attestation(algorithm="ed25519"), "malformed_signature", {"keys": ["main", "pair"]}),
        ("a-key-that-is-not-ours", good, "unknown_key", {"keys": ["old", "pair"]}),
        ("a-key-called-like-something-of-a-prototype", in_attestation(key_id="__proto__"), "unknown_key", {}),
        ("a-changed-signature-by-ed25519",
         but(lambda e: e["data"].update(amount=1), key="pair"), "bad_signature", {"keys": ["pair"]}),
        ("an-ed25519-signature-with-a-greater-s",
         but(lambda e: e.update(attestation_signature=greater_s(e["attestation_signature"])), key="pair"),
         "bad_signature", {"keys": ["pair"]}),
        ("the-old-key-in-its-window", text(signed(key="old")), None, {"keys": ["main", "old"], "now": T + 99}),
        ("the-old-key-after-its-window", text(signed(key="old")), "expired_secret", {"keys": ["main", "old"], "now": T + 100}),
        ("an-old-time-does-not-help-an-old-key",
         text(signed(key="old", time=T - 100)), "expired_secret", {"keys": ["old"], "now": T + 150}),
        ("the-next-key-before-its-window", text(signed(key="next")), "expired_secret", {"keys": ["next"]}),
        # time
        ("as-old-as-may-be", good, None, {"now": T + 300}),
        ("a-second-too-old", good, "stale_timestamp", {"now": T + 301}),
        ("as-far-ahead-as-may-be", good, None, {"now": T - 60}),
        ("a-second-too-far-ahead", good, "future_timestamp", {"now": T - 61}),
        ("bounds-of-zero", good, None, {"past": 0, "future": 0}),
        ("bounds-of-zero-a-second-later", good, "stale_timestamp", {"past": 0, "future": 0, "now": T + 1}),
        ("a-week-may-be-allowed", good, None, {"past": 604800, "now": T + 604800}),
        ("a-bad-signature-is-told-before-an-old-time", but(lambda e: e.update(id="x")), "bad_signature", {"now": T + 9999}),
        # what is required
        ("what-is-required-is-covered", good, None, {"require": ["/id", "/data/amount"]}),
        ("what-is-required-is-below-what-is-covered", text(signed(fields=["/data"])), None, {"require": ["/data/amount"]}),
        ("what-is-required-is-above-what-is-covered", good, "uncovered_field", {"require": ["/data"]}),
        ("what-is-required-only-begins-like-what-is-covered",
         text(signed('{"a":1,"ab":2}', ["/a"])), "uncovered_field", {"require": ["/ab"]}),
        ("what-is-required-is-not-covered", good, "uncovered_field", {"require": ["/data/currency", "/id"]}),
        ("what-is-required-was-added-uncovered", but(lambda e: e.update(role="admin")), "uncovered_field", {"require": ["/role"]}),
        ("what-is-required-is-covered-as-absent",
         text(signed(fields=["/id", "/role"])), "missing_field", {"require": ["/role"]}),
        # verdicts that were sent
        ("a-verdict-that-was-sent", but(lambda e: e.update(attestation_verdict=yes)), None, {}),
        ("a-verdict-that-was-sent-alone", text(event(PAYMENT) | {"attestation_verdict": yes}), "missing_attestation", {}),
        ("verdicts-in-other-case",
         but(lambda e: e.update({"Attestation_Verdict": yes, "ATTESTATION_VERDICT": yes, "atte\u017ftation_verdict": yes})), None, {}),
        ("a-verdict-in-a-bad-event",
         but(lambda e: e.update({"id": "x", "attestation_VERDICT": yes, "attestation_verdict": yes})), "bad_signature", {}),
        ("a-verdict-further-down-is-no-verdict", but(lambda e: e["data"].update(attestation_verdict=yes)), None, {}),
    ]


def greater_s(signature):
    """The same signature by a checker that takes S modulo the order."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(bytes.fromhex(signature[64:]), "little") + order
    return signature[:64] + s.to_bytes(32, "little").hex()


def vectors(us):
    sign, verify = [], []
    for name, event, fields, ends, differs in SIGN:
        case = {"name": name, "event": event, "fields": fields, "key": "main", "time": T} | differs
        got = us.run_sign(case, KEYS)
        told = {"refused": ends[1:]} if ends.startswith("!") else None
        assert got == told if told else got.get("content", "").endswith(ends), (name, got)
        sign.append(case | got)
    for name, event, reason, differs in verify_cases(us):
        given = {"event_hex": event["hex"]} if isinstance(event, dict) else {"event": event}
        case = {"name": name, **given, "keys": ["main"], "now": T} | differs
        got = us.run_verify(case, KEYS)
        assert got["verdict"].get("reason") == reason, (name, got)
        verify.append(case | got)
    for cases in (sign, verify):
        names = [case["name"] for case in cases]
        assert len(set(names)) == len(names)
    about = "Made by tests/parity/attestation.py --write. The format: docs/reference/attestation.md"
    return {"about": about, "keys": KEYS, "sign": sign, "verify": verify}
