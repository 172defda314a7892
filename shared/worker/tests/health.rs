//! The administration address, asked over HTTP as a probe does.

use planshift_messaging::{EmbeddedBroker, Service};
use planshift_storage::Database;
use planshift_worker::{
    health::{Admin, Readiness},
    metrics::{EFFECTS, Metrics},
};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

/// Status and body.
async fn ask(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let (readiness, metrics, stop) = (Readiness::new(), Metrics::new(), CancellationToken::new());
    let admin = Admin::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), readiness.clone(), metrics.clone()).await.unwrap();
    let address = admin.address().unwrap();
    let server = tokio::spawn(admin.serve(stop.clone()));

    assert_eq!(ask(address, "GET", "/healthz").await.0, 200);
    assert_eq!(ask(address, "GET", "/readyz").await.0, 503);
    readiness.starting("mapping", "looking for the database");
    let (status, body) = ask(address, "GET", "/readyz").await;
    assert!(status == 503 && body.contains("looking for the database"), "{body}");

    let broker = EmbeddedBroker::open(&folder.path().join("broker")).await.unwrap();
    let database = Database::open_sqlite(folder.path().join("mapping")).await.unwrap();
    readiness.running("mapping", broker.for_service(Service::Mapping), database.clone());
    assert_eq!(ask(address, "GET", "/readyz").await.0, 200);
    assert_eq!(ask(address, "HEAD", "/readyz").await.0, 200);
    database.close().await;
    let (status, body) = ask(address, "GET", "/readyz").await;
    assert!(status == 503 && body.contains(r#""database":"away""#) && body.contains(r#""broker":"reached""#), "{body}");

    let readiness_of_one = Readiness::new();
    readiness_of_one.says("verify", Some("no pass yet".to_owned()));
    assert_eq!(
        readiness_of_one.ask().await,
        (false, serde_json::json!({"ready": false, "services": {"verify": {"reason": "no pass yet"}}}))
    );
    readiness_of_one.says("verify", None);
    assert!(readiness_of_one.ask().await.0);

    metrics.add(EFFECTS, &[("step", "mapping"), ("action", "do"), ("evidence", "done")], 3);
    let (status, body) = ask(address, "GET", "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "planshift_effects_total{action=\"do\",evidence=\"done\",step=\"mapping\"} 3",
        "planshift_ready{service=\"mapping\"} 0",
        "planshift_broker_reached{service=\"mapping\"} 1",
        "planshift_database_reached{service=\"mapping\"} 0",
        "planshift_queue_ready{queue=\"planshift.mapping\"} 0",
        "planshift_queue_consumers{queue=\"planshift.mapping\"} 0",
    ] {
        assert!(body.lines().any(|found| found == line), "{line} in {body}");
    }

    for path in ["/healthz", "/readyz", "/metrics"] {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            assert_eq!(ask(address, method, path).await.0, 405, "{method} {path}");
        }
    }
    assert_eq!(ask(address, "GET", "/").await.0, 404);
    stop.cancel();
    server.await.unwrap().unwrap();
}
