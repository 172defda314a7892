//! Paths, methods, headers, limits, and who may reach it.

use crate::world::*;
use planshift_gateway::{Gateway, GatewayError, Options, RULES};
use planshift_messaging::{EmbeddedBroker, Service};
use planshift_storage::Database;
use planshift_worker::Ports;
use reqwest::Method;
use std::collections::BTreeSet;
use uuid::Uuid;

#[tokio::test]
async fn ids_are_handed_back_or_made_up_on_every_answer() {
    let world = World::new(silence).await;
    let (request, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    for path in ["/", "/nowhere", "/v1/productUpgrades"] {
        let given = world
            .get(path)
            .header("MS-RequestId", &request)
            .header("MS-CorrelationId", &correlation)
            .header("MS-CV", "abc.1")
            .send()
            .await
            .unwrap();
        let header = |name: &str| given.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("ms-requestid"), header("ms-correlationid"), header("ms-cv")),
            (request.clone(), correlation.clone(), "abc.1".into())
        );
        let made_up = world.get(path).send().await.unwrap();
        for name in ["ms-requestid", "ms-correlationid"] {
            assert!(Uuid::try_parse(made_up.headers()[name].to_str().unwrap()).is_ok());
        }
        assert!(made_up.headers()["ms-cv"].to_str().unwrap().ends_with(".0"));
    }
    let (status, body) = error(world.get("/").header("MS-RequestId", "x").send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("InvalidHeader")));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_errors_like_all_others() {
    let world = World::new(silence).await;
    for path in ["/nowhere", "/v1", "/v2/productUpgrades", "/v1/productUpgrades/x/y", "/v1//productUpgrades"] {
        let (status, body) = error(world.get(path).send().await.unwrap()).await;
        assert_eq!((status, body["errorName"].as_str()), (404, Some("NotFound")), "{path}");
    }
    let any = guid(7);
    for (method, path) in [
        (Method::PUT, "/v1/productUpgrades".to_owned()),
        (Method::DELETE, format!("/v1/productUpgrades/{any}")),
        (Method::GET, "/v1/accounts".to_owned()),
        (Method::GET, format!("/v1/productUpgrades/{any}/cancel")),
        (Method::POST, format!("/v1/productUpgrades/{any}/history")),
        (Method::POST, "/".to_owned()),
        (Method::PATCH, "/v1/productUpgrades/eligibility".to_owned()),
    ] {
        let response = world.client.request(method.clone(), format!("{}{path}", world.base)).send().await.unwrap();
        assert!(response.headers().contains_key("allow"), "{method} {path}");
        assert_eq!(error(response).await.0, 405, "{method} {path}");
    }
}

#[tokio::test]
async fn every_path_refuses_every_method_that_it_has_not_and_says_which_it_has() {
    let world = World::new(silence).await;
    for path in planshift_gateway::paths() {
        let mut has: BTreeSet<_> = RULES.iter().filter(|rule| rule.path == path).map(|rule| rule.method).collect();
        if has.contains("GET") {
            has.insert("HEAD");
        }
        let filled =
            path.split('/').map(|part| if part.starts_with('{') { guid(7) } else { part.to_owned() }).collect::<Vec<_>>().join("/");
        for method in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"].into_iter().filter(|m| !has.contains(m))
        {
            let url = format!("{}{filled}", world.base);
            let response = world.client.request(method.parse().unwrap(), url).send().await.unwrap();
            assert_eq!(response.status(), 405, "{method} {path}");
            let allowed = response.headers()["allow"].to_str().unwrap().to_owned();
            assert_eq!(allowed.split(',').map(str::trim).collect::<BTreeSet<_>>(), has, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let world = World::new(silence).await;
    let large = format!("{{\"customerId\":\"{}\"}}", "x".repeat(70_000));
    let response = world.client.post(format!("{}/v1/productUpgrades", world.base)).body(large).send().await.unwrap();
    assert_eq!(error(response).await.0, 413);
    let twice = world
        .client
        .post(format!("{}/v1/productUpgrades", world.base))
        .body("{\"customerId\":\"a\",\"CustomerId\":\"b\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(error(twice).await.0, 400);
}

#[tokio::test]
async fn no_page_of_another_site_is_served() {
    let world = World::new(silence).await;
    for (header, value) in [("origin", "https://example.org"), ("origin", "null"), ("host", "example.org:8080")] {
        let (status, body) = error(world.get("/v1/productUpgrades").header(header, value).send().await.unwrap()).await;
        assert_eq!((status, body["errorName"].as_str()), (403, Some("LocalOnly")), "{header}: {value}");
    }
    assert_eq!(world.get("/v1/productUpgrades").header("origin", world.base.clone()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_front_page_says_what_this_is() {
    let world = World::new(silence).await;
    let text = world.get("/").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("/v1/productUpgrades"), "{text}");
}

#[tokio::test]
async fn it_listens_on_loopback_alone_and_tells_why_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let database = Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap();
    let options = |address: &str| {
        let options = Options::new(database.clone(), broker.for_service(Service::Gateway), Ports::system());
        Options { address: address.parse().unwrap(), ..options }
    };
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Gateway::bind(options(open)).await.err().unwrap();
        assert!(matches!(error, GatewayError::NotLoopback(_)) && error.exit_code() == 2, "{error}");
    }
    let first = Gateway::bind(options("127.0.0.1:0")).await.unwrap();
    assert_ne!(first.address().port(), 0);
    let error = Gateway::bind(options(&first.address().to_string())).await.err().unwrap();
    assert!(error.to_string().contains("another program listens there") && error.exit_code() == 1, "{error}");
}

#[tokio::test]
async fn it_stops_when_it_is_told() {
    let world = World::new(silence).await;
    let _kept_alive = world.get("/").send().await.unwrap();
    world.stop().await;
}
