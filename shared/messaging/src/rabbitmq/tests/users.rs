//! A user for each service, each with no more rights than it needs: whom the broker vouches for.

use super::RabbitMq;
use super::faults::{insist, numbered};
use super::server::{Server, eventually};
use crate::conformance::World;
use crate::rabbitmq::{RabbitMqBroker, RabbitMqOptions};
use crate::{Destination, Outgoing, Queue, Service, Settlement, SharedBroker};
use std::sync::Arc;
use std::time::Duration;

/// A handle for a service under a user of its own, which may declare nothing but its own queue for answers.
async fn with_own_user(world: &RabbitMq, service: Service) -> SharedBroker {
    let name = format!("planshift-{}", service.name());
    let body = "{\"password\":\"secret\",\"tags\":\"\"}";
    assert!((200..300).contains(&world.vhost.server().call("PUT", &format!("/api/users/{name}"), body).await));
    let own_answers = r"^planshift\\.answers\\.";
    let write = r"^planshift\\.(commands|replies|answers|events|dead|delay\\..*|answers\\..*)$";
    let read = format!(r"^planshift\\.({}|dead|answers|answers\\..*)$", service.name());
    world.vhost.permit(&name, own_answers, write, &read).await;
    let options = RabbitMqOptions::new(world.vhost.url(&name, "secret"), service);
    let broker: SharedBroker = Arc::new(RabbitMqBroker::start(options).unwrap());
    eventually!("a user without the right to declare is ready too", broker.ready().await);
    broker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_vouches_for_users_that_may_declare_nothing() {
    let Some(server) = Server::from_environment() else { return };
    let world = RabbitMq::new(&server, 1).await;
    // Somebody with all rights has declared the topology.
    let operator = world.handle(Service::Coordinator).await;
    let coordinator = with_own_user(&world, Service::Coordinator).await;
    let mapping = with_own_user(&world, Service::Mapping).await;
    let gateway = with_own_user(&world, Service::Gateway).await;
    let command = Destination::Command(Service::Mapping);
    let mut consumer = mapping.consume(Queue::Service(Service::Mapping), 10).await.unwrap();
    let mut graves = gateway.consume(Queue::Dead, 10).await.unwrap();

    insist(&*coordinator, numbered(&command, 0..1)).await;
    let first = consumer.next(1).await.unwrap().remove(0);
    assert_eq!(first.sender, Some(Service::Coordinator));
    consumer.settle(vec![(first.tag, Settlement::Retry { delay: Duration::ZERO })]).await.unwrap();
    let second = consumer.next(1).await.unwrap().remove(0);
    assert_eq!((second.sender, second.attempts), (Some(Service::Coordinator), 1), "the first sender, although it was published again");
    let dead = Settlement::Dead { reason: "Poison".to_owned(), description: String::new() };
    consumer.settle(vec![(second.tag, dead)]).await.unwrap();
    let letter = graves.next(1).await.unwrap().remove(0);
    assert_eq!((letter.sender, letter.dead.unwrap().attempts), (Some(Service::Coordinator), 2));
    graves.settle(vec![(letter.tag, Settlement::Ack)]).await.unwrap();

    let redrive = Destination::Redrive { to: Service::Mapping, sender: letter.sender };
    insist(&*gateway, vec![Outgoing { to: redrive.clone(), message: letter.message.clone() }]).await;
    let third = consumer.next(1).await.unwrap().remove(0);
    assert_eq!((third.sender, third.attempts), (Some(Service::Coordinator), 0));
    consumer.settle(vec![(third.tag, Settlement::Retry { delay: Duration::ZERO })]).await.unwrap();
    assert_eq!(consumer.next(1).await.unwrap()[0].sender, Some(Service::Coordinator), "a redriven message that is retried");

    let suspension = with_own_user(&world, Service::Suspension).await;
    insist(&*suspension, vec![Outgoing { to: redrive, message: letter.message }]).await;
    assert_eq!(consumer.next(1).await.unwrap()[0].sender, Some(Service::Suspension), "a name is not believed from anyone");

    // A user that is no service's is nobody, whatever it calls itself; and stays nobody when its message is retried.
    insist(&*operator, numbered(&command, 1..2)).await;
    let nobody = consumer.next(1).await.unwrap().remove(0);
    assert_eq!(nobody.sender, None);
    consumer.settle(vec![(nobody.tag, Settlement::Retry { delay: Duration::ZERO })]).await.unwrap();
    let again = consumer.next(1).await.unwrap().remove(0);
    assert_eq!((again.sender, again.attempts), (None, 1));

    let (name, mut answers) = gateway.answers().await.unwrap();
    insist(&*coordinator, numbered(&Destination::Answer(name), 7..8)).await;
    assert_eq!(answers.next(1).await.unwrap()[0].sender, Some(Service::Coordinator));
}
