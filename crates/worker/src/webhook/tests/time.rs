//! The limits of time, on a clock that jumps when nothing goes on. It is stopped only when all that needs real time is
//! done.

use super::receiver::Receiver;
use super::*;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{pause, resume, timeout};

const LATE: &str = "The receiver did not answer in time.";

/// For how long the attempt ran, and with what outcome, where the receiver says this and no more.
async fn took(answer: &str) -> (Duration, Result<Value, RunError>) {
    let sender = Sender::allowing("127.0.0.0/8").await;
    let receiver = Receiver::saying(answer).await;
    let payload = json!({ "url": receiver.url() });
    let began = Instant::now();
    let (outcome, ()) = tokio::join!(sender.run(payload), async {
        receiver.arrived().await;
        pause();
    });
    let took = began.elapsed();
    resume();
    (took, outcome)
}

fn is_about(took: Duration, limit: Duration) -> bool {
    took >= limit && took < limit + Duration::from_millis(100)
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_not_to_its_end_is_waited_for_for_ten_seconds() {
    for answer in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let (took, outcome) = took(answer).await;
        assert_eq!(outcome, Err(RunError::retry(LATE)), "{answer}");
        assert!(is_about(took, LIMIT), "{answer}: {took:?}");
    }
}

/// A socket whose queue of connections is full, so that the kernel answers no further one.
#[tokio::test]
async fn a_connection_is_waited_for_for_three_seconds() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) =
        timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        queued.push(stream);
        assert!(queued.len() < 10, "the queue is never full");
    }
    let client = Client::new(RootCertStore::empty()).unwrap();
    let target = Target::parse("http://example.com/").unwrap();
    for addresses in [&[address][..], &[address; 4]] {
        pause();
        let began = Instant::now();
        let request = Request::post("/").body(Full::default()).unwrap();
        let answer = client.send(&target, addresses, request).await;
        let took = began.elapsed();
        resume();
        assert_eq!(answer.unwrap_err(), client::NoAnswer::Unreachable);
        assert!(is_about(took, Duration::from_secs(3)), "{took:?}");
    }
}
