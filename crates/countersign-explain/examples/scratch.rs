use countersign::{Draft, Head, Keyring, Request, Timestamp, Vars};
use countersign_explain::{Asked, Source, explain};
fn main() {
    let registry = countersign_modes::registry().unwrap();
    let preset = std::env::args().nth(1).unwrap();
    let size: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut body = String::from("{\"items\":[");
    while body.len() < size { body.push_str("{\"id\":12,\"name\":\"é😀 abc\",\"price\":12.5},"); }
    body.push_str("1]}");
    let now = Timestamp::from_unix(1_700_000_000);
    let t = std::time::Instant::now();
    let compiled = registry.named(&preset).unwrap();
    let secret = "a secret of some thirty-two bytes";
    let url = "https://example.com/hooks/in?a=1";
    let signed = compiled.signer(&Keyring::of(secret).unwrap(), &Vars::new()).unwrap().sign(&Draft::new("msg_1", now, url, body.as_bytes())).unwrap();
    let headers: Vec<(String, Vec<u8>)> = signed.headers.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
    let mut bytes = body.into_bytes();
    let at = bytes.len()/2; bytes[at] ^= 1;
    let layer = registry.resolve(&preset, None).unwrap();
    let keys = Keyring::of(secret).unwrap();
    let vars = Vars::new();
    let source = Source { name: "x", preset: &layer, keys: &keys, vars: &vars };
    let request = Request::new(Head::new("POST", url, &headers), &bytes);
    let mut asked = Asked::new(&registry, source, &request, now);
    asked.budget.time = std::time::Duration::from_secs(60);
    eprintln!("sign {:?}", t.elapsed());
    let d = explain(&asked);
    println!("{:?} {:?}", d.state, d.effort);
}
