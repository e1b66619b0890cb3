//! The known attacks of the class `ssrf`, each a test of its number.

use crate::server::{Names, Server, answer, client, this_machine};
use countersign_egress::{Client, Limits, Reach, Refused, Request, Why};
use std::process::Command;
use std::time::Duration;

/// What a refused call says, of a client that has everything but the address allowed.
async fn refused(client: &Client, url: &str) -> Refused {
    client.get(url, &Limits::default().time(Duration::from_secs(2))).await.unwrap_err()
}

/// All of it allowed but the addresses.
fn public(plain: &[&str]) -> Reach {
    let reach = Reach::public().and_ports(0..=u16::MAX);
    plain.iter().fold(reach, |reach, host| reach.and_plain_http(*host))
}

#[tokio::test]
async fn atk_266_private_loopback_and_link_local_addresses_are_not_called() {
    let server = Server::saying(answer("200 OK", "", "secret")).await;
    let hosts = [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "100.64.0.1",
        "[::ffff:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::a00:1]",
        "[2002:7f00:1::]",
    ];
    let client = client(public(&hosts));
    for host in hosts {
        for scheme in ["http", "https"] {
            let refused = refused(&client, &format!("{scheme}://{host}:{}/", server.port)).await;
            assert_eq!(refused.why, Why::Address, "{host}");
        }
    }
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn atk_267_no_spelling_of_an_address_passes() {
    let server = Server::saying(answer("200 OK", "", "secret")).await;
    let client = client(public(&["127.0.0.1", "0.0.0.0", "169.254.169.254", "[::ffff:7f00:1]"]));
    for host in [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "0x7F.0.0.0x1",
        "①②⑦.⓪.⓪.①",
        "１２７.０.０.１",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "0",
        "0x0",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
    ] {
        let refused = refused(&client, &format!("http://{host}:{}/", server.port)).await;
        assert_eq!(refused.why, Why::Address, "{host}: {refused}");
    }
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn atk_269_a_public_name_of_a_private_address_is_not_called() {
    let server = Server::saying(answer("200 OK", "", "secret")).await;
    for address in ["127.0.0.1", "10.0.0.5", "::1", "::ffff:127.0.0.1", "169.254.169.254"] {
        let names = Names::new(&[&[address]]);
        let client = names.client(Client::builder().reach(public(&["keys.example"])));
        let refused = refused(&client, &format!("http://keys.example:{}/", server.port)).await;
        assert_eq!((refused.why, names.asked()), (Why::Address, 1), "{refused}");
        assert!(refused.what.contains("keys.example"), "{refused}");
    }
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn atk_270_a_name_is_looked_up_once_and_what_was_judged_is_dialled() {
    // The first answer is allowed, the second is not: dialling that would be told as `connect`.
    let server = Server::saying(answer("200 OK", "", "key")).await;
    let names = Names::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = names.client(Client::builder().reach(this_machine()));
    let url = format!("http://keys.example:{}/", server.port);
    assert_eq!(client.get(&url, &Limits::default()).await.unwrap().body, b"key");
    assert_eq!((names.asked(), server.seen()), (1, 1), "one look-up for one connection");
    for _ in 0..10 {
        assert_eq!(
            refused(&client, &url).await.why,
            Why::Address,
            "the second answer is judged as the first"
        );
    }
    assert_eq!(server.seen(), 1);
}

#[tokio::test]
async fn atk_271_a_name_with_one_private_address_is_not_called() {
    let server = Server::saying(answer("200 OK", "", "secret")).await;
    for mixed in [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["8.8.8.8", "127.0.0.2"]] {
        let client = Names::new(&[&mixed]).client(Client::builder().reach(this_machine()));
        let refused = refused(&client, &format!("http://keys.example:{}/", server.port)).await;
        assert_eq!(refused.why, Why::Address, "{mixed:?}");
    }
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn atk_272_redirects_are_not_followed() {
    let inside = Server::saying(answer("200 OK", "", "secret")).await;
    let client = client(this_machine());
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "300 Choices"]
    {
        for to in ["http://169.254.169.254/".to_owned(), inside.url()] {
            let server = Server::saying(answer(status, &format!("location: {to}\r\n"), "")).await;
            for request in [Request::get(server.url()), Request::post(server.url(), "body")] {
                let refused = client.send(request, &Limits::default()).await.unwrap_err();
                assert_eq!(refused.why, Why::Redirect, "{status}");
            }
            assert_eq!(server.seen(), 2);
        }
    }
    assert_eq!(inside.seen(), 0);
}

#[tokio::test]
async fn atk_273_no_proxy_of_the_environment_is_obeyed() {
    const CHILD: &str = "EGRESS_TEST_OF_PROXIES";
    let server = Server::saying(answer("200 OK", "", "direct")).await;
    if std::env::var_os(CHILD).is_some() {
        let body = client(this_machine()).get(&server.url(), &Limits::default()).await.unwrap().body;
        assert_eq!(body, b"direct");
        return;
    }
    // Variables of a process are set at its start: the test is run again with them.
    let proxy = Server::saying(answer("200 OK", "", "by proxy")).await;
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "attacks::atk_273_no_proxy_of_the_environment_is_obeyed"]).env(CHILD, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, format!("http://127.0.0.1:{}", proxy.port));
    }
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(proxy.seen(), 0);
}

#[tokio::test]
async fn atk_274_other_schemes_and_other_ports_are_refused_before_anything_is_called() {
    let names = Names::new(&[&["8.8.8.8"]]);
    let client = names.client(Client::builder());
    for (url, why) in [
        ("gopher://example.com/", Why::Scheme),
        ("ftp://example.com/", Why::Scheme),
        ("file:///etc/passwd", Why::Scheme),
        ("unix:/var/run/docker.sock", Why::Scheme),
        ("data:text/plain,key", Why::Scheme),
        ("http://example.com/", Why::Scheme),
        ("https://example.com:25/", Why::Port),
        ("https://example.com:22/", Why::Port),
        ("https://example.com:6379/", Why::Port),
    ] {
        let refused = refused(&client, url).await;
        assert_eq!(refused.why, why, "{url}");
        assert!(refused.why.is_rule());
    }
    assert_eq!(names.asked(), 0);
}

#[tokio::test]
async fn atk_275_of_an_answer_a_kib_is_kept_and_nothing_is_told() {
    let inside = format!("internal\u{1b}[31m{}", "x".repeat(200 << 10));
    let statuses = ["200 OK", "500 internal-reason", "404 internal-reason", "302 internal-reason"];
    let limits = Limits::default().bytes(1 << 10).cut();
    for status in statuses {
        let server = Server::saying(answer(status, "x-inside: internal\r\n", &inside)).await;
        let told = match client(this_machine()).send(Request::post(server.url(), "event"), &limits).await {
            Ok(response) => {
                assert_eq!(response.body.len(), 1 << 10);
                format!("{response:?}")
            }
            Err(refused) => format!("{refused} {refused:?}"),
        };
        // What is logged and stored of a call is made of these; status and length are all that is said of the answer.
        assert!(!told.contains("internal") && !told.contains('\u{1b}'), "{told}");
    }
    let broken = Server::saying("HTTP/1.1 200 OK\r\ninternal\r\n\r\n").await;
    let refused = client(this_machine()).get(&broken.url(), &limits).await.unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("internal"), "{refused}");
}

#[tokio::test]
async fn atk_276_names_of_this_machine_are_refused_and_dns_is_not_asked() {
    let names = Names::new(&[&["8.8.8.8"]]);
    let client = names.client(Client::builder());
    for host in ["localhost", "localhost.", "LOCALHOST", "foo.localhost", "foo.localhost.", "a.b.LocalHost"] {
        assert_eq!(refused(&client, &format!("https://{host}/")).await.why, Why::Address, "{host}");
    }
    assert_eq!(names.asked(), 0);
}
