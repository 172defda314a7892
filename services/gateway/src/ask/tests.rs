use super::*;
use async_trait::async_trait;
use planshift_domain::{
    message::request::{Priority, StartOutcome},
    time::Timestamp,
};
use planshift_messaging::{Broker, BrokerError, Consumer, DeliveryTag, Depth, Message, Queue};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A broker whose first queue for answers is lost as soon as something was asked, and whose second one works.
#[derive(Default)]
struct Unsteady {
    queues: Mutex<Vec<mpsc::UnboundedSender<Delivery>>>,
    sent: Mutex<Vec<(String, String)>>,
    settled: Arc<Mutex<Vec<Settlement>>>,
}

struct Answers(mpsc::UnboundedReceiver<Delivery>, Arc<Mutex<Vec<Settlement>>>);

#[async_trait]
impl Broker for Unsteady {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        for Outgoing { message, .. } in messages {
            let to = message.reply_to.clone().unwrap();
            let first = self.sent.lock().unwrap().is_empty();
            self.sent.lock().unwrap().push((message.message_id.clone(), to.clone()));
            if first {
                self.queues.lock().unwrap()[0] = mpsc::unbounded_channel().0; // its consumer ends
                return Err(BrokerError::Unavailable("the connection was lost".into()));
            }
            if to == "answers-1" {
                let question: StartTransition = codec::body(&message).unwrap();
                let outcome = StartOutcome::UnknownCustomer;
                let (mine, other) = (question.request_id, Uuid::from_u128(99));
                let answer = |request_id, sender| {
                    let body = StartAnswered { request_id, outcome: outcome.clone() };
                    delivery(codec::message("a".into(), String::new(), &TraceContext::default(), Timestamp::from_micros(0), &body), sender)
                };
                let wrong = codec::message("b".into(), String::new(), &TraceContext::default(), Timestamp::from_micros(0), &question);
                let queues = self.queues.lock().unwrap();
                for told in [
                    answer(mine, Service::Mapping),
                    answer(other, Service::Coordinator),
                    delivery(wrong, Service::Gateway),
                    answer(mine, Service::Coordinator),
                ] {
                    queues[1].send(told).unwrap();
                }
            }
        }
        Ok(())
    }
    async fn consume(&self, _: Queue, _: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        Err(BrokerError::Unavailable("not here".into()))
    }
    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut queues = self.queues.lock().unwrap();
        queues.push(sender);
        Ok((format!("answers-{}", queues.len() - 1), Box::new(Answers(receiver, self.settled.clone()))))
    }
    async fn depth(&self, _: Queue) -> Result<Depth, BrokerError> {
        Err(BrokerError::Unavailable("nobody looks".to_owned()))
    }
    async fn ready(&self) -> bool {
        true
    }
    async fn close(&self) {}
}

fn delivery(message: Message, sender: Service) -> Delivery {
    let tag = DeliveryTag { epoch: 0, wire: 0, part: 0 };
    Delivery { tag, message, content_type: None, sender: Some(sender), attempts: 0, redelivered: false, dead: None }
}

#[async_trait]
impl Consumer for Answers {
    async fn next(&mut self, _: usize) -> Option<Vec<Delivery>> {
        self.0.recv().await.map(|delivery| vec![delivery])
    }
    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        self.1.lock().unwrap().extend(settlements.into_iter().map(|(_, settlement)| settlement));
        Ok(())
    }
}

fn question() -> StartTransition {
    let (partner_id, customer_id) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
    StartTransition {
        request_id: Uuid::from_u128(7),
        partner_id,
        customer_id,
        actor: "maria".into(),
        plan_hash: None,
        priority: Priority::Interactive,
        batch: None,
    }
}

#[tokio::test]
async fn a_lost_queue_is_replaced_and_the_question_asked_again_under_its_own_id() {
    let broker = Arc::new(Unsteady::default());
    let asker = Asker::new(broker.clone(), Ports::system(), &Settings::default());
    let (stop, listening) = (CancellationToken::new(), asker.clone());
    let stopped = stop.clone();
    let listener = tokio::spawn(async move { listening.listen(&stopped).await });
    let answer = asker.ask(&question(), &TraceContext::default(), Duration::from_secs(30)).await.unwrap();
    assert_eq!(answer.outcome, StartOutcome::UnknownCustomer);
    let sent = broker.sent.lock().unwrap().clone();
    assert!(sent.iter().all(|(id, _)| *id == sent[0].0), "the same message: {sent:?}");
    assert_eq!((sent[0].1.as_str(), sent.last().unwrap().1.as_str()), ("answers-0", "answers-1"));
    let settled = broker.settled.lock().unwrap().clone();
    let dead: Vec<_> = settled.iter().map(|s| if let Settlement::Dead { reason, .. } = s { reason.as_str() } else { "" }).take(4).collect();
    assert_eq!(dead[..3], ["WrongSender", "", "UnknownType"], "only the coordinator's answers count, and only answers");
    assert!(asker.shared.lock().askers.is_empty() && asker.shared.lock().count == 0, "nothing is left open");
    stop.cancel();
    listener.await.unwrap();
}

#[tokio::test]
async fn too_many_questions_are_refused() {
    let asker = Asker::new(Arc::new(Unsteady::default()), Ports::system(), &Settings { open_questions: 0, ..Settings::default() });
    let refused = asker.ask(&question(), &TraceContext::default(), Duration::from_secs(30)).await;
    assert_eq!(refused.unwrap_err(), AskError::Busy);
}

#[tokio::test]
async fn without_a_queue_for_answers_nobody_is_asked() {
    let broker = Arc::new(Unsteady::default());
    let asker = Asker::new(broker.clone(), Ports::system(), &Settings::default());
    let refused = asker.ask(&question(), &TraceContext::default(), Duration::from_millis(20)).await;
    assert_eq!(refused.unwrap_err(), AskError::NoAnswer);
    assert!(broker.sent.lock().unwrap().is_empty());
}
