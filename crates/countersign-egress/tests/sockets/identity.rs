//! Client certificates: servers that demand one, and files that hold none.

use crate::authority::Authority;
use crate::proxy::Way;
use crate::server::{Names, this_machine};
use countersign_egress::{Builder, Client, Identity, Limits, Refused, Response, Why};

async fn got(builder: Builder, port: u16) -> Result<Response, Refused> {
    let client = Names::new(&[&["127.0.0.1"]]).client(builder.reach(this_machine()));
    client.get(&format!("https://keys.example:{port}/"), &Limits::default()).await
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_is_shown_ours() {
    let (ours, theirs, stranger) = (Authority::new(), Authority::new(), Authority::new());
    let server = theirs.server(Some(&ours)).await;
    let builder = || Client::builder().trust_only(theirs.root.as_str());
    let response = got(builder().identity(ours.identity()), server.port).await.unwrap();
    assert_eq!(response.body, b"secured");
    for (builder, said) in [
        (builder(), "`keys.example` demands a client certificate, and was shown none"),
        (
            builder().identity(stranger.identity()),
            "`keys.example` broke off TLS with the alert `DecryptError`",
        ),
    ] {
        let refused = got(builder, server.port).await.unwrap_err();
        assert_eq!(refused.why, Why::Tls, "{refused}");
        assert!(refused.what.starts_with(said), "{refused}");
    }
    let easy = theirs.server(None).await;
    assert!(
        got(builder().identity(ours.identity()), easy.port).await.is_ok(),
        "who does not ask is shown none"
    );
}

#[tokio::test]
async fn a_certificate_is_shown_through_a_proxy_and_not_to_it() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = theirs.server(Some(&ours)).await;
    let way = Way::to(server.port).await;
    let builder = Client::builder().trust_only(theirs.root.as_str()).identity(ours.identity());
    assert_eq!(got(builder.proxy(way.proxy()), server.port).await.unwrap().body, b"secured");
    // A proxy that demands one is not shown it, though the target would be.
    let demanding = Way::secured(theirs.acceptor(Some(&ours)), server.port).await;
    let builder = Client::builder().trust_only(theirs.root.as_str()).identity(ours.identity());
    let refused = got(builder.proxy(demanding.proxy()), server.port).await.unwrap_err();
    assert_eq!((refused.why, demanding.asked().len()), (Why::Proxy, 0), "{refused}");
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_and_no_key_with_it() {
    let authority = Authority::new();
    let (certificate, key) = authority.certificate("gateway.example");
    let (_, other) = authority.certificate("gateway.example");
    let both = format!("{key}{certificate}");
    for whole in [(&certificate, &key), (&both, &both)] {
        let identity = Identity::from_pem(whole.0.as_bytes(), whole.1.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity(1 certificates, and their key)");
    }
    let twice = format!("{key}{other}");
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let cut = &key[..key.len() / 2];
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificates, key, said) in [
        (&*certificate, "", "there is no private key in"),
        (&certificate, &certificate, "there is no private key in"),
        (&certificate, &other, "the private key is not that of the first certificate"),
        (&certificate, &twice, "more than one private key"),
        (&certificate, &encrypted, "is encrypted"),
        (&certificate, older, "is encrypted"),
        (&certificate, cut, "private key is broken"),
        (&certificate, no_key, "of no kind that is used here"),
        ("", &key, "there is no certificate in"),
        (&key, &key, "there is no certificate in"),
        (&certificate[..certificate.len() / 2], &key, "PEM is broken"),
        (no_certificate, &key, "is no X.509"),
    ] {
        let refused = Identity::from_pem(certificates.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(refused.why, Why::Setup);
        assert!(refused.what.contains(said), "{said}: {refused}");
        assert!(!key.lines().nth(1).is_some_and(|line| refused.to_string().contains(line)), "{refused}");
    }
}
