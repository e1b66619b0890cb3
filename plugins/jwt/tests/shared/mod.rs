//! What the tests of this mode have in common: a preset, keys, a token made by hand, and the one function that judges it.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod certificates;

use base64_simd::URL_SAFE_NO_PAD;
use countersign::{
    Context, Document, Head, Key, KeyCache, KeyError, KeyId, KeyKind, Keyring, Outcome, Registry, Request,
    RequestKind, Secret, Timestamp, Vars, Verifier,
};
use countersign_keys::{Algorithm, Signing};
use hmac::{Hmac, KeyInit, Mac};
use std::sync::Arc;

/// When everything happens unless a case says otherwise.
pub(crate) const NOW: i64 = 1_700_000_000;

/// A secret long enough for HS512.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Where tokens stand unless a case says otherwise.
pub(crate) const BEARER: &str =
    "token_source = { header = \"authorization\", extract = \"scheme\", scheme = \"Bearer\" }\n";

/// The key set's place unless a case says otherwise.
pub(crate) const SET: &str = "https://keys.example.com/jwks.json";

/// The RSA key of RFC 7520.
pub(crate) const RSA: &str = r#"{"kty":"RSA","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB","d":"bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ","p":"3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k","q":"uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc","dp":"B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RULHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik","dq":"CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8","qi":"3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4"}"#;

/// The P-256 key of RFC 7515, A.3.
pub(crate) const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

/// Another P-256 key.
pub(crate) const OTHER_EC: &str = r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;

/// The P-521 key of RFC 7515, A.4.
pub(crate) const P521: &str = r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#;

/// The Ed25519 key of RFC 8037, A.1.
pub(crate) const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// A JWK without its private half, and with other members.
pub(crate) fn public(jwk: &str, more: &str) -> String {
    let members = jwk.trim_start_matches('{').trim_end_matches('}').split(',');
    let private = ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\""];
    let kept: Vec<&str> = members
        .filter(|member| !private.iter().any(|name| member.starts_with(&format!("{name}:"))))
        .collect();
    format!("{{{}{more}}}", kept.join(","))
}

/// A key set of these.
pub(crate) fn set(keys: &[String]) -> String {
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

/// Base64url without padding.
pub(crate) fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes.as_ref())
}

/// A token under a private JWK, as its header says.
pub(crate) fn signed(header: &str, claims: impl AsRef<[u8]>, alg: &str, jwk: &str) -> String {
    let content = format!("{}.{}", part(header), part(claims));
    let key = Signing::read(jwk.as_bytes(), Algorithm::jose(alg).unwrap()).unwrap();
    let signature = key.sign(&key.verifying().content(&[content.as_bytes()])).unwrap();
    format!("{content}.{}", part(signature))
}

/// A token under a secret, with SHA-256.
pub(crate) fn mac(header: &str, claims: impl AsRef<[u8]>, secret: &[u8]) -> String {
    let content = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(content.as_bytes());
    format!("{content}.{}", part(mac.finalize().into_bytes()))
}

/// Claims that are good now, and these.
pub(crate) fn claims(more: &str) -> String {
    format!("{{\"iat\":{NOW},\"exp\":{}{more}}}", NOW + 300)
}

/// A header of HS256.
pub(crate) const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A preset of this table; `top` stands above it.
pub(crate) fn registry(top: &str, table: &str) -> Registry {
    let mut registry = Registry::new();
    let text = format!("schema = 1\nname = \"acme\"\nmode = \"jwt\"\n{top}\n[jwt]\n{table}");
    registry.register(countersign_jwt::mode()).unwrap();
    registry.add_preset("acme.toml", text).unwrap();
    registry
}

/// What is complained of in a table; empty if nothing is.
pub(crate) fn complaints(table: &str) -> String {
    let registry = registry("", table);
    registry.named("acme").err().map(|errors| errors.render(registry.sources())).unwrap_or_default()
}

/// A verifier for a table with these keys, in the order given.
pub(crate) fn verifier(table: &str, kind: KeyKind, keys: &[&[u8]]) -> Result<Arc<Verifier>, KeyError> {
    let registry = registry("", table);
    let compiled =
        registry.named("acme").unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())));
    let mut ring = Keyring::new();
    for (at, key) in keys.iter().enumerate() {
        ring.add(Key::new(KeyId::new(format!("k{at}")), kind, Secret::new(*key)?))?;
    }
    compiled.verifier("tests", &ring, &Vars::new())
}

/// One for HS256 and [`SECRET`], with more in its table.
pub(crate) fn shared(more: &str) -> Arc<Verifier> {
    let table =
        format!("{BEARER}algorithms = [\"HS256\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}\n{more}");
    verifier(&table, KeyKind::Shared, &[SECRET.as_bytes()]).unwrap()
}

/// One for a fetched set.
pub(crate) fn fetched(algorithms: &str) -> Arc<Verifier> {
    let table = format!("{BEARER}algorithms = [{algorithms}]\njwks = {{ url = \"{SET}\" }}\n");
    verifier(&table, KeyKind::Public, &[]).unwrap()
}

/// A document that was fetched so long ago.
pub(crate) struct Fetched {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) age: i64,
}

/// A document fetched just now.
pub(crate) fn now(text: String) -> Fetched {
    Fetched { name: SET.into(), text, age: 0 }
}

impl KeyCache for Fetched {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        (name == self.name).then(|| Document::new(self.text.as_bytes(), Timestamp::from_unix(NOW - self.age)))
    }
}

/// The code of the outcome and, of a refusal, the detail's: `claim_mismatch jwt/issuer`.
pub(crate) fn told(outcome: &Outcome<'_>) -> String {
    match outcome {
        Outcome::Rejected(rejection) => match &rejection.detail {
            Some(detail) => format!("{} {}", rejection.reason, detail.code),
            None => rejection.reason.to_string(),
        },
        Outcome::Unresolved(wanted) => match wanted.newer_than {
            Some(at) => format!("unresolved {} newer than {}", wanted.name, at.unix()),
            None => format!("unresolved {}", wanted.name),
        },
        outcome => outcome.code().to_owned(),
    }
}

/// Judge a token that is shown as a bearer.
pub(crate) fn judge(verifier: &Verifier, token: &str) -> String {
    judge_with(verifier, token, b"{}", &Fetched { name: String::new(), text: String::new(), age: 0 })
}

/// The same with a body and what was fetched.
pub(crate) fn judge_with(verifier: &Verifier, token: &str, body: &[u8], fetched: &Fetched) -> String {
    let headers = [("authorization", format!("Bearer {token}"))];
    let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), body);
    told(&verifier.verify(&request, &Context::new(Timestamp::from_unix(NOW), fetched)))
}
