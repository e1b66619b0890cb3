//! The rule for calling out: one room does, by one client and one rule of addresses.
//!
//! It is held from two sides: no other room names what dials or looks up, and none depends on what would do it unseen.

use super::rust::shipped;
use super::tree::{File, Package, files, packages};
use super::{caught, clean, package};

/// The one room.
const ROOM: &str = "countersign-egress";

/// Words of code that open a connection or look a name up.
const CALLING: [&str; 13] = [
    "TcpSocket",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixDatagram",
    "UnixStream",
    "getaddrinfo",
    "hyper_rustls",
    "isahc",
    "lookup_host",
    "reqwest",
    "socket2",
    "to_socket_addrs",
    "ureq",
];

/// Libraries that call out.
const CALLERS: [&str; 14] = [
    "attohttpc",
    "awc",
    "curl",
    "hickory-resolver",
    "hyper-rustls",
    "hyper-tls",
    "isahc",
    "minreq",
    "reqwest",
    "socket2",
    "surf",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
];

#[test]
fn one_room_calls_out() {
    for code in [
        "let s = std::net::TcpStream::connect(to);",
        "let s = TcpStream :: connect_timeout(&to, time);",
        "use tokio::net::TcpStream as Line;",
        "use std::net::{TcpStream as Line, UdpSocket};",
        "let s = UnixStream::connect(path);",
        "let a = (name, 443).to_socket_addrs();",
        "let a = tokio::net::lookup_host(name).await;",
        "let c = reqwest::Client::new();",
        "use hyper_util::{client::legacy::Client, rt::TokioIo};",
        "use hyper::client::conn::http1;",
    ] {
        caught(calling(&[File::new("crates/x/src/a.rs", code)]));
        clean(calling(&[File::new("crates/countersign-egress/src/a.rs", code)]));
        clean(calling(&[File::new("crates/x/tests/a.rs", code)]));
    }
    let serving =
        "use tokio::net::{TcpListener, TcpStream};\nfn f(s: TcpStream, client: &Client) { client.connect() }";
    clean(calling(&[File::new("crates/x/src/a.rs", serving)]));
    clean(calling(&files()));
}

fn calling(files: &[File]) -> Vec<String> {
    let room = format!("crates/{ROOM}/");
    let mut found = Vec::new();
    for File { path, text } in
        files.iter().filter(|file| file.is_shipped_rust() && !file.path.starts_with(&room))
    {
        let all = shipped(text);
        // `use hyper_util::{client::…}` and `hyper_util::client` alike: within one statement.
        let mut spoken = false;
        for (at, (line, piece)) in all.iter().enumerate() {
            let word = piece.as_str();
            let next: Vec<&str> = all[at + 1..].iter().take(3).map(|(_, piece)| piece.as_str()).collect();
            spoken = (spoken && word != ";") || matches!(word, "hyper" | "hyper_util");
            let dials = match word {
                "TcpStream" => matches!(next[..], ["as", ..] | [":", ":", "connect" | "connect_timeout"]),
                "client" => spoken && next.starts_with(&[":", ":"]),
                word => CALLING.contains(&word),
            };
            if dials {
                found.push(format!("{path}:{line}: `{word}` calls out; call by `countersign_egress::Client`, which no private address is reached by"));
            }
        }
    }
    found
}

#[test]
fn one_room_depends_on_what_calls_out() {
    caught(callers(&[package("countersign-x", "crates/x", &["ureq"])]));
    let mut client = package("countersign-x", "crates/x", &["hyper-util"]);
    clean(callers(std::slice::from_ref(&client)));
    client.features.push(("hyper-util".into(), "client-legacy".into()));
    caught(callers(std::slice::from_ref(&client)));
    client.name = ROOM.into();
    clean(callers(&[client]));
    let all = packages();
    let own = all
        .iter()
        .find(|package| package.name == ROOM)
        .map(|package| Package { name: "other".into(), ..package.clone() });
    caught(callers(own.as_slice()));
    clean(callers(&all));
}

/// Dev-dependencies are let be: tests call whom they have started.
fn callers(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for Package { name, folder, needs, features, .. } in
        packages.iter().filter(|package| package.name != ROOM)
    {
        let calls = needs.iter().filter(|(need, dev)| !dev && CALLERS.contains(&&**need));
        found.extend(calls.map(|(need, _)| {
            format!("{folder}/Cargo.toml: `{name}` depends on `{need}`, which calls out; depend on `{ROOM}`")
        }));
        let is_client = |(need, feature): &&(String, String)| {
            matches!(&**need, "hyper" | "hyper-util") && (feature.starts_with("client") || feature == "full")
        };
        found.extend(features.iter().filter(is_client).map(|(need, feature)| {
            format!("{folder}/Cargo.toml: `{name}` asks `{need}` for `{feature}`, which calls out; depend on `{ROOM}`")
        }));
    }
    found
}
